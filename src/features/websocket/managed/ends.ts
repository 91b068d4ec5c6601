import { type Failure, failure } from '../../../core/failures.ts'
import type { TunnelSide } from '../../../core/tunnel.ts'

/** How tunnels end whose client broke off, is silent, or breaks the protocol. */
export const GONE: Failure = failure('client_gone', 'upgrade', 'client')
export const SILENT: Failure = { ...GONE, rule: 'no_pong' }
export const BAD_FRAMES: Failure = { ...failure('bad_request', 'upgrade', 'client'), rule: 'websocket_frames' }

export function tooLarge(from: TunnelSide, bytes: number): Failure {
  return failure('body_too_large', 'body', from, `Messages of WebSockets are limited to ${bytes} bytes here.`)
}
