import type { Gone } from '../../core/downstream.ts'
import { type Failure, failure } from '../../core/failures.ts'
import type { Expired } from './clocks.ts'

/** What an exchange fails with whose time is over. `phase`: of its tries; undefined: there was none. */
export function expiredFailure(what: Expired, phase: Failure['phase'] | undefined, sent: boolean): Failure {
  switch (what) {
    case 'deadline':
      return failure('deadline_exceeded', phase ?? 'queue', phase === undefined ? 'sluice' : 'upstream')
    case 'total':
      return failure('total_exceeded', sent ? 'body' : 'headers', 'sluice')
    case 'idle':
      return failure('idle_timeout', 'body', 'upstream')
    case 'stalled_client':
      return failure('request_timeout', 'body', 'client')
    case 'slow_upstream':
      return failure('attempt_timeout', 'send', 'upstream')
    case 'slow_client':
      return failure('request_timeout', 'send', 'client', 'The body arrived below the minimum rate.')
  }
}

/** What an exchange fails with whose request body does not come as it should. */
export function bodyFailure(why: Exclude<Gone, 'closed'>): Failure {
  return why === 'too_slow'
    ? failure('request_timeout', 'send', 'client', 'No byte of the body came within timeouts.body.')
    : failure('bad_request', 'send', 'client', 'The framing of the body is broken.')
}
