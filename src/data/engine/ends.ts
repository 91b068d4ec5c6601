import type { Attempt } from '../../core/attempt.ts'
import type { Gone } from '../../core/downstream.ts'
import type { Exchange } from '../../core/exchange.ts'
import { FAILURES, type Failure, failure, type Origin, type Phase } from '../../core/failures.ts'
import { FAILED, IGNORED } from '../../core/lessons.ts'
import { failedEnd, type HeadVerdict, LEFT_BEHIND, mayBeProcessed, OVERTAKEN, SPARE } from '../../core/outcome.ts'
import type { TransportFailure } from '../../core/transport.ts'
import type { Refusal } from '../../core/verdict.ts'
import type { Expired } from './clocks.ts'

/** How far an exchange is whose time is over. */
export interface Progress {
  readonly ex: Pick<Exchange, 'sent'>
  /** Of the upstream's answer. */
  readonly relay: { readonly unread: boolean } | undefined
  /** Behind a change of the protocol. */
  readonly tunnel?: { readonly blocked: boolean } | undefined
  /** It is an event stream. */
  readonly stream: boolean
  /** Where the body comes from, if not from an upstream. */
  readonly feed: object | undefined
}

/** Where its attempts stand, and whose fault it is that the deadline passes now. */
export interface Standing {
  readonly phase: Phase
  readonly overdue: Origin
}

/** The failure of an exchange whose time is over. `bodyMoving`: the client is sending the request body. */
export function expiredFailure(
  what: Expired,
  { ex, feed, relay, stream, tunnel }: Progress,
  bodyMoving: boolean,
  attempts?: Standing,
): Failure {
  switch (what) {
    case 'deadline': {
      const failed = failure('deadline_exceeded', attempts?.phase ?? 'queue', attempts?.overdue ?? 'sluice')
      // The head has come: a hook delays it.
      return relay !== undefined ? { ...failed, teaches: IGNORED } : failed
    }
    case 'total': {
      const failed = failure('total_exceeded', ex.sent ? 'body' : 'headers', 'sluice')
      // The time was spent by the client, sending or reading: the endpoint may have had none of it.
      return relay !== undefined || tunnel !== undefined || bodyMoving ? { ...failed, teaches: IGNORED } : failed
    }
    case 'silent': {
      // Either side may speak first: that both were silent is not the fault of the upstream.
      if (tunnel?.blocked === false) return failure('idle_timeout', 'upgrade', 'client')
      // A body in memory is written at once: only the client can delay it.
      if (relay === undefined || relay.unread) return failure('request_timeout', 'body', 'client')
      const failed = failure('idle_timeout', 'body', feed === undefined ? 'upstream' : 'sluice')
      // A stream may be silent; an answer may wait for the rest of the request body.
      return stream || bodyMoving ? { ...failed, teaches: IGNORED } : failed
    }
    case 'slow_upstream':
      return failure('attempt_timeout', 'send', 'upstream')
    case 'slow_client':
      return failure('request_timeout', 'send', 'client', 'The body arrived below the minimum rate.')
  }
}

/** The failure of an exchange whose client stalls while others wait for what it holds. */
export function stalledFailure(sent: boolean): Failure {
  const detail = 'The client moved less than the minimum rate while others waited.'
  return failure('stalled_client', sent ? 'body' : 'send', 'client', detail)
}

/** The failure of an exchange whose client has gone, or whose request body is late or malformed. */
export function goneFailure(why: Exclude<Gone, 'inconsistent'>, rule: string | undefined, phase: Phase): Failure {
  if (why === 'closed') return failure('client_gone', phase, 'client')
  if (why === 'too_slow')
    return failure('request_timeout', 'send', 'client', 'No byte of the body came within timeouts.body.')
  const failed = failure('bad_request', 'send', 'client', 'The framing of the body is broken.')
  return rule === undefined ? failed : { ...failed, rule }
}

/** The failure of an exchange whose last attempt failed so. */
export function attemptFailure({ phase, proxyStatus, reason, rule }: TransportFailure, fault: Origin): Failure {
  return { ...failure(reason, phase, fault), ...(proxyStatus && { proxyStatus }), ...(rule !== undefined && { rule }) }
}

/** The failure of an exchange whose answer broke after its head. */
export function brokenFailure({ reason, rule }: TransportFailure, clientStalls: boolean): Failure {
  const { fault } = FAILURES[reason]
  if (fault !== 'upstream') return failure(reason, 'body', fault)
  const failed = { ...failure('response_incomplete', 'body', clientStalls ? 'client' : 'upstream'), detail: reason }
  return rule === undefined ? failed : { ...failed, rule }
}

/** The failure of an exchange whose answer was passed on whole, and says at its end that the request failed. */
export function endFailure(at: Attempt | undefined): Failure | undefined {
  const reason = at && failedEnd(at.end)
  return reason && failure(reason, 'body', 'upstream')
}

/** The failure of an exchange whose answer came from a source that broke after the head. */
export function sourceFailure({ origin, reason, rule }: Failure): Failure {
  const failed = { ...failure('response_incomplete', 'body', origin), detail: reason }
  return rule === undefined ? failed : { ...failed, rule }
}

/** Out of file descriptors, ports or memory for sockets. */
const OURS: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'EAGAIN', 'ENOBUFS', 'ENOMEM'])

/** Whose fault it is that an attempt failed so: its client may have stalled until the upstream lost patience. */
export function faultOf(facts: TransportFailure, clientStalls: boolean): Origin {
  const { fault, teaches } = FAILURES[facts.reason]
  if (teaches !== FAILED) return fault
  if (clientStalls && mayBeProcessed(facts)) return 'client'
  return OURS.has((facts.cause as { code?: unknown } | undefined)?.code) ? 'sluice' : fault
}

/** Of two attempts side by side: `by` has a head, `at` none. */
export function overtaken(at: Attempt, by: Attempt): HeadVerdict {
  const alone = by.startedAt - at.startedAt
  if (alone <= 0) return SPARE
  return by.head?.outcome === 'ok' && by.headAt - by.startedAt <= alone ? LEFT_BEHIND : OVERTAKEN
}

/** A refusal by a policy as a failure. */
export function refused(refusal: Refusal, phase: Phase): Failure {
  return { phase, origin: FAILURES[refusal.reason].fault, ...refusal }
}
