import type { Downstream, Glimpse, Peer } from '../../core/downstream.ts'
import type { Failure } from '../../core/failures.ts'
import type { WholeReply } from '../../core/verdict.ts'
import type { Clock } from '../../lib/clock.ts'
import type { TimerWheel } from '../../lib/timers.ts'
import type { HeadGuard } from './guard.ts'

/** The part that answers the requests of a listener. */
export interface IngressHandler {
  /** Takes a request over and attaches to it before it returns. `refusal`: it must be answered with this failure. */
  handle(downstream: Downstream, refusal?: Failure): void
  /** For input that never became a request: the answer to send before the connection closes. `seen`: for the log. */
  malformed(peer: Peer, failure: Failure, seen: Glimpse): WholeReply | undefined
}

/** A connection that can make room for another. */
export interface Lingering {
  counted: boolean
  destroy(): void
}

/** What the connections of one listener share. */
export interface ConnectionHost {
  readonly handler: IngressHandler
  readonly guard: HeadGuard
  readonly clock: Clock
  readonly timers: TimerWheel
  readonly name: string
  readonly draining: boolean
  /** A client broke a rule, see `RULES`: to be counted. */
  readonly fault: (rule: string) => void
  /** Milliseconds, see `timeouts.body`. */
  readonly bodyTimeout: number
  /** Connections that wait for their client's end, longest first; each makes room when there are too many connections. */
  readonly lingering: Set<Lingering>
  /** Requests that were handed over and have not ended. */
  inFlight: number
}
