import type { Failure } from '../../core/failures.ts'
import type { Dispatch } from './dispatch.ts'
import { refused } from './ends.ts'
import { type OnItsWay, streamRefusalOnWay } from './legs.ts'

/** A request whose answer is about to become a stream. */
export interface Streaming extends OnItsWay {
  fail(failed: Failure): void
}

/** Asks the policies: it gives back the permit that counted it so far. False: they refuse it, and it has failed. */
export function beginsStream(run: Streaming, dispatch: Dispatch): boolean {
  const refusal = streamRefusalOnWay(run)
  if (refusal === undefined) {
    dispatch.becomesStream()
    return true
  }
  if (!run.over) run.fail(refused(refusal, 'limit'))
  return false
}
