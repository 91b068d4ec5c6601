import type { Gone } from '../../core/downstream.ts'
import { FAILURES, type Failure, failure, type Phase } from '../../core/failures.ts'
import { IGNORED } from '../../core/lessons.ts'
import type { TransportFailure } from '../../core/transport.ts'
import type { Refusal } from '../../core/verdict.ts'
import type { Expired } from './clocks.ts'

/**
 * What an exchange fails with whose time is over. `sent`: the head of the answer went out; `phase`: of its attempts, undefined:
 * there was none; `excused`: the upstream may wait for the request body, or its answer is a stream.
 */
export function expiredFailure(what: Expired, sent: boolean, phase: Phase | undefined, excused: boolean): Failure {
  switch (what) {
    case 'deadline': {
      const queued = phase === undefined || phase === 'queue'
      return failure('deadline_exceeded', phase ?? 'queue', queued ? 'sluice' : 'upstream')
    }
    case 'total': {
      const failed = failure('total_exceeded', sent ? 'body' : 'headers', 'sluice')
      // The time went by with what the client sent or took: the endpoint may have had none of it.
      return sent || excused ? { ...failed, teaches: IGNORED } : failed
    }
    case 'idle': {
      const failed = failure('idle_timeout', 'body', 'upstream')
      // A stream is silent where there is nothing to tell; an answer may wait for the rest of the request body.
      return excused ? { ...failed, teaches: IGNORED } : failed
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
export function bodyFailure(why: Exclude<Gone, 'closed'>): Failure {
  return why === 'too_slow'
    ? failure('request_timeout', 'send', 'client', 'No byte of the body came within timeouts.body.')
    : failure('bad_request', 'send', 'client', 'The framing of the body is broken.')
}

/** What an exchange fails with whose answer broke behind its head. */
export function brokenFailure({ reason }: TransportFailure): Failure {
  const { fault } = FAILURES[reason]
  if (fault !== 'upstream') return failure(reason, 'body', fault)
  return { ...failure('response_incomplete', 'body', 'upstream'), detail: reason }
}

/** A policy's no as the failure that it is. */
export function refused(refusal: Refusal, phase: Phase): Failure {
  return { phase, origin: FAILURES[refusal.reason].fault, ...refusal }
}
