import type { Downstream, Glimpse, Peer } from '../../../core/downstream.ts'
import type { Failure } from '../../../core/failures.ts'
import type { WholeReply } from '../../../core/verdict.ts'
import type { EventClock } from '../../../lib/event-clock.ts'
import type { SocketHost } from '../accept/client-socket.ts'
import type { Outcome } from '../accept/peek.ts'
import type { HeadGuard } from './guard.ts'

/** Of input of which nothing was read. */
export const NOTHING_SEEN: Glimpse = { method: '', target: '', host: '' }

/** The part that answers the requests of a listener. */
export interface IngressHandler {
  /** Takes a request over and attaches to it before it returns. `refusal`: it must be answered with this failure. */
  handle(downstream: Downstream, refusal?: Failure): void
  /** For input that never became a request: the answer to send before the connection closes. `seen`: for the log. */
  malformed(peer: Peer, failure: Failure, seen: Glimpse): WholeReply | undefined
}

/** What the connections of one listener share. */
export interface ConnectionHost extends SocketHost {
  readonly handler: IngressHandler
  readonly guard: HeadGuard
  readonly clock: EventClock
  /** A client broke a rule, see `RULES`: to be counted. */
  readonly fault: (rule: string) => void
  /** Milliseconds, see `timeouts.body`. */
  readonly bodyTimeout: number
  /** Requests that were handed over and have not ended. */
  inFlight: number
}

/** What speaks HTTP/1.1 over the sockets of one listener: what is nothing else is taken for that. */
export interface Http1Server extends Outcome {
  /** No connection follows, and none is left. */
  close(): void
}
