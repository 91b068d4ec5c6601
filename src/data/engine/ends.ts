import type { Gone } from '../../core/downstream.ts'
import type { Exchange } from '../../core/exchange.ts'
import { FAILURES, type Failure, failure, type Phase } from '../../core/failures.ts'
import { IGNORED } from '../../core/lessons.ts'
import type { TransportFailure } from '../../core/transport.ts'
import type { Refusal } from '../../core/verdict.ts'
import type { Attempts } from './attempts.ts'
import type { Expired } from './clocks.ts'

/** How far an exchange is whose time is over. */
export interface Progress {
  readonly ex: Pick<Exchange, 'sent'>
  /** There is an answer of the upstream's. */
  readonly answered: boolean
  /** It is an event stream. */
  readonly stream: boolean
}

/** What an exchange fails with whose time is over. `bodyMoving`: the client is sending the request body. */
export function expiredFailure(
  what: Expired,
  { ex, answered, stream }: Progress,
  bodyMoving: boolean,
  attempts?: Attempts,
): Failure {
  switch (what) {
    case 'deadline': {
      const failed = failure('deadline_exceeded', attempts?.phase ?? 'queue', attempts?.overdue ?? 'sluice')
      // The head is there: a hook keeps it.
      return answered ? { ...failed, teaches: IGNORED } : failed
    }
    case 'total': {
      const failed = failure('total_exceeded', ex.sent ? 'body' : 'headers', 'sluice')
      // The time went by with what the client sent or took: the endpoint may have had none of it.
      return answered || bodyMoving ? { ...failed, teaches: IGNORED } : failed
    }
    case 'idle': {
      const failed = failure('idle_timeout', 'body', 'upstream')
      // A stream is silent where there is nothing to tell; an answer may wait for the rest of the request body.
      return stream || bodyMoving ? { ...failed, teaches: IGNORED } : failed
    }
    case 'slow_reader':
      return failure('request_timeout', 'body', 'client')
    case 'slow_upstream':
      return failure('attempt_timeout', 'send', 'upstream')
    case 'slow_client':
      return failure('request_timeout', 'send', 'client', 'The body arrived below the minimum rate.')
  }
}

/** What an exchange fails with whose client stalls while others wait for what it holds. */
export function stalledFailure(sent: boolean): Failure {
  const detail = 'The client moved less than the minimum rate while others waited.'
  return failure('stalled_client', sent ? 'body' : 'send', 'client', detail)
}

/** What an exchange fails with whose request body does not come as it should. */
export function bodyFailure(why: Exclude<Gone, 'closed'>, rule: string | undefined): Failure {
  if (why === 'too_slow')
    return failure('request_timeout', 'send', 'client', 'No byte of the body came within timeouts.body.')
  const failed = failure('bad_request', 'send', 'client', 'The framing of the body is broken.')
  return rule === undefined ? failed : { ...failed, rule }
}

/** What an exchange fails with whose answer broke behind its head. */
export function brokenFailure({ reason, rule }: TransportFailure): Failure {
  const { fault } = FAILURES[reason]
  if (fault !== 'upstream') return failure(reason, 'body', fault)
  const failed = { ...failure('response_incomplete', 'body', 'upstream'), detail: reason }
  return rule === undefined ? failed : { ...failed, rule }
}

/** A policy's no as the failure that it is. */
export function refused(refusal: Refusal, phase: Phase): Failure {
  return { phase, origin: FAILURES[refusal.reason].fault, ...refusal }
}
