import type { Origin, Phase } from '../../core/failures.ts'
import type { TransportFailure } from '../../core/transport.ts'
import type { Clocks } from './clocks.ts'
import type { Dispatch } from './dispatch.ts'
import type { AttemptPlan } from './plan.ts'

/** The endpoint had less than its fair time: the peer allowed less, or a queue or the attempt before took it. */
export function cutShort(dispatch: Dispatch, clocks: Clocks, plan: AttemptPlan, now: number): boolean {
  return dispatch.ranMs(clocks, now) < plan.fairTime(dispatch.endpoint.patience(now))
}

/** Whose fault it is that the deadline passes now, while this attempt is the oldest under way. */
export function faultAtDeadline(
  dispatch: Dispatch | undefined,
  clocks: Clocks,
  plan: AttemptPlan,
  now: number,
): Origin {
  if (dispatch === undefined || dispatch.waiting || dispatch.at.head !== undefined) return 'sluice'
  if (!cutShort(dispatch, clocks, plan, now)) return 'upstream'
  return clocks.hurried ? 'client' : 'sluice'
}

/** Where the attempt is that is under way. */
export function phaseOf(dispatch: Dispatch | undefined, clocks: Clocks): Phase {
  if (dispatch === undefined || dispatch.waiting) return 'queue'
  if (dispatch.at.connectedAt === 0) return 'connect'
  return clocks.bodyMoving ? 'send' : 'headers'
}

/** The attempt's own timeout; the last permitted attempt, `attempts` of them begun, may use all the time left. */
export function setLimit(
  dispatch: Dispatch,
  clocks: Clocks,
  { attemptTimeout, maxAttempts }: AttemptPlan,
  attempts: number,
  now: number,
): void {
  if (attemptTimeout === undefined || attempts >= maxAttempts || clocks.bodyMoving) return
  dispatch.limit(Math.max(0, attemptTimeout - dispatch.ranMs(clocks, now)))
}

/** What an attempt fails with whose own timeout has passed in this phase. */
export function expiredFacts({ at, waiting }: Dispatch, phase: Phase): TransportFailure {
  const connected = at.connectedAt !== 0
  return {
    reason: waiting ? 'pool_full' : 'attempt_timeout',
    phase,
    connected,
    reused: at.reused,
    bytesSent: connected,
    refusedUnprocessed: false,
    requestDone: connected,
    responseStarted: false,
  }
}
