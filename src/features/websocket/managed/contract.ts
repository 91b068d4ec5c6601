import type { TunnelLeave, TunnelSide } from '../../../core/tunnel.ts'
import type { FlatHeaders } from '../../../lib/headers.ts'
import type { ReconnectingEvents, ReconnectOptions } from './reconnecting.ts'

export interface SessionOptions {
  readonly reconnect: ReconnectOptions
  /** Bytes of messages that wait for an upstream, from which the client is not read. */
  readonly buffer: number
  /** Text messages that each replacement gets first. */
  readonly onReconnect: readonly string[]
  /** Bytes of a message. */
  readonly maxMessage: number
  /** Milliseconds, see `FramedEndOptions.ping`. */
  readonly ping: number | undefined
  /** Milliseconds without a message in either direction after which both sides are closed; undefined: as long as it lasts. */
  readonly idle: number | undefined
}

/** Why Sluice closes it. */
export type SessionClose =
  | TunnelLeave
  | 'idle'
  | 'client_silent'
  | 'client_fault'
  | 'message_from_client'
  | 'message_from_upstream'
  | 'no_upstream'

/** What a session tells of itself, for metrics and decisions. */
export interface SessionEvents extends ReconnectingEvents {
  onMessage(from: TunnelSide, bytes: number, binary: boolean): void
  onPinged(to: TunnelSide): void
  /** Sluice closes it, with this code to both sides. */
  onClosing(code: number, why: SessionClose): void
  /** `by`: who closed it first; `code`: of that Close, 0: there was none. */
  onOver(by: TunnelSide | 'sluice', code: number): void
}

/** What the first upstream answered. */
export interface FirstUpstream {
  readonly headers: FlatHeaders
  /** `Attempt.endpoint`. */
  readonly endpoint: string
}
