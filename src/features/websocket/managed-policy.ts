import type { HeldCell } from '../../cells/held.ts'
import type { CellRef } from '../../cells/pages.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { Failure } from '../../core/failures.ts'
import type { FeatureContext } from '../../core/feature.ts'
import type { Policy } from '../../core/policy.ts'
import type { Connected, Side } from '../../core/services.ts'
import type { TunnelBridge, TunnelSide } from '../../core/tunnel.ts'
import { removeFields } from '../../lib/headers.ts'
import type { WebSocketOptions } from './keys.ts'
import type { SessionClose, SessionEvents, SessionOptions } from './managed/contract.ts'
import type { ManagedOptions } from './managed/keys.ts'
import { LazySession, type LoadedSession } from './managed/lazy-session.ts'
import type { Loss } from './managed/reconnecting.ts'
import { lossText } from './managed/words.ts'
import { WEBSOCKET } from './policy.ts'
import type { Watch } from './watch.ts'
import { FRAME_KINDS } from './wire/frames.ts'
import type { decisions, metrics } from './words.ts'

type Context = FeatureContext<{ readonly reconnecting: CellRef } | undefined, typeof metrics, typeof decisions>

export const MANAGED_PLACE = 'managed'

const EXTENSIONS: ReadonlySet<string> = new Set(['sec-websocket-extensions'])
const TEXT = FRAME_KINDS.indexOf('text')
const BINARY = FRAME_KINDS.indexOf('binary')

/** Gives each WebSocket of a route a session of its own, which keeps its client while upstreams come and go. */
export class ManagedWebSockets implements Policy {
  readonly name: string
  private readonly context: Context
  private readonly watch: Watch
  private readonly options: SessionOptions
  private readonly session: LazySession
  private readonly reconnecting: HeldCell

  constructor(managed: ManagedOptions, { idle, ping }: WebSocketOptions, watch: Watch, context: Context) {
    const { cells, feature, space } = context
    this.name = feature
    this.context = context
    this.watch = watch
    this.options = { ...managed, ping, idle }
    this.session = context.keep('session', () => new LazySession())
    // What goes wrong is told to the request that waits for it.
    this.session.load()?.catch(() => {})
    if (cells === undefined) throw new Error('a managed WebSocket counts in cells')
    this.reconnecting = space.held(cells.reconnecting)
  }

  /** Frames end here, so that no extension can be agreed on between the sides. */
  admit(ex: Exchange): Promise<undefined> | undefined {
    if (ex.upgrade !== WEBSOCKET) return undefined
    removeFields(this.context.services.forwardHeaders(ex), EXTENSIONS)
    return this.session.load()
  }

  tunnel(ex: Exchange): TunnelBridge | undefined {
    if (ex.upgrade !== WEBSOCKET) return undefined
    const { context, options, reconnecting, watch } = this
    const { codec, Session } = this.session.loaded as LoadedSession
    const first = { headers: ex.response?.headers ?? [], endpoint: ex.attempt?.endpoint ?? '' }
    const { clock, random, services, timers } = context
    const connect = (last: string): Side<Connected> => services.connect(ex, { behind: MANAGED_PLACE, last })
    const told = new Told(ex, context, watch, reconnecting)
    return new Session(options, first, { codec, clock, timers, random, connect }, told)
  }

  /** An upstream that speaks of an extension that was not asked for is heard without it. */
  respond(ex: Exchange): void {
    if (ex.tunnel !== undefined && ex.response !== undefined) removeFields(ex.response.headers, EXTENSIONS)
  }
}

/** Makes metrics and decisions of what one session tells. */
class Told implements SessionEvents {
  private readonly ex: Exchange
  private readonly context: Context
  private readonly watch: Watch
  private readonly reconnecting: HeldCell
  private waits = false

  constructor(ex: Exchange, context: Context, watch: Watch, reconnecting: HeldCell) {
    this.ex = ex
    this.context = context
    this.watch = watch
    this.reconnecting = reconnecting
  }

  onLost(): void {
    if (!this.waits) this.reconnecting.take()
    this.waits = true
  }

  onFailed(_why: Failure): void {
    this.count('failed')
  }

  onReplaced(times: number, loss: Loss, ms: number): void {
    this.count('replaced')
    this.found()
    this.context.note(this.ex, 'upstreamReplaced', { times, because: lossText(loss), ms })
  }

  onGivenUp(loss: Loss, attempts: number, ms: number): void {
    this.count('given_up')
    this.context.note(this.ex, 'upstreamNotReplaced', { attempts, because: lossText(loss), ms })
  }

  onMessage(from: TunnelSide, bytes: number, binary: boolean): void {
    const traffic = from === 'client' ? this.watch.fromClient : this.watch.fromUpstream
    const kind = binary ? BINARY : TEXT
    traffic.frame(kind)
    traffic.payload(kind, bytes)
  }

  onPinged(to: TunnelSide): void {
    this.watch.pinged(to)
  }

  onClosing(code: number, why: SessionClose): void {
    this.context.note(this.ex, 'webSocketClosed', { code, why })
  }

  onOver(by: TunnelSide | 'sluice', code: number): void {
    this.found()
    this.watch.closed(by, code)
  }

  private found(): void {
    if (this.waits) this.reconnecting.give()
    this.waits = false
  }

  private count(outcome: string): void {
    this.context.metrics.counter('sluice_websocket_reconnects_total', [this.context.use.name, outcome]).inc()
  }
}
