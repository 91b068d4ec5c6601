import type { Target } from '../../../core/transport.ts'
import type { HealthCheckOptions } from '../keys.ts'

/** The result of a check; also the label in metrics. */
export type CheckResult =
  | 'ok'
  /** The server answered, and not as expected. */
  | 'status'
  | 'body'
  /** gRPC: it says that it does not serve. */
  | 'not_serving'
  | 'timeout'
  | 'refused'
  | 'unreachable'
  | 'tls'
  | 'reset'
  | 'bad_response'

/** What to ask, and where. */
export interface CheckRequest {
  readonly target: Target
  /** Value of Host or `:authority`. */
  readonly authority: string
  readonly config: HealthCheckOptions
}

/** `detail`: for people, such as the status that came. */
export type CheckDone = (result: CheckResult, detail: string) => void

/**
 * Begins a check; the function returned cancels it. `done` is called at most once, not after cancelling, and never before
 * this has returned. The caller bounds its time.
 */
export type Check = (request: CheckRequest, done: CheckDone) => () => void

/** Octets of an answer that are read. */
export const MAX_BODY_BYTES = 65_536
