import type { Exchange } from '../../core/exchange.ts'
import { type Failure, failure } from '../../core/failures.ts'
import { importanceOf, NORMAL } from '../../core/importance.ts'
import { Stage } from '../../core/pressure.ts'
import type { Clock } from '../../lib/clock.ts'

const CRITICAL = 0
/** Milliseconds after which a refused client may repeat its request. */
const COME_AGAIN_MS = 2_000

/** Whether a request is refused at this stage of overload, before any work is done for it. */
export function overloadRefusal(ex: Exchange, clock: Clock, stage: number): Failure | undefined {
  const importance = importanceOf(ex)
  if (stage < Stage.refuse) return importance > NORMAL ? refusal(ex, clock, 'shed') : undefined
  return importance > CRITICAL ? refusal(ex, clock, 'overloaded') : undefined
}

function refusal(ex: Exchange, clock: Clock, reason: 'shed' | 'overloaded'): Failure {
  ex.refused(clock, 'overload', reason, 'enforce')
  return { ...failure(reason, 'limit', 'sluice'), retryAfterMs: COME_AGAIN_MS }
}
