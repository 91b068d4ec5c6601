import type { EventTable } from '../../core/event.ts'
import type { FeatureContext, GuardedCall } from '../../core/feature.ts'
import type { Policy } from '../../core/policy.ts'
import { nodeOf } from '../../schema/node.ts'
import { At } from '../../schema/schema.ts'
import { type CircuitBreakerOptions, keys } from './keys.ts'
import { callBreaker } from './policy.ts'

/** As on a route that says nothing of it. */
const OPTIONS = keys.read(nodeOf({}), new At([])) as CircuitBreakerOptions

export const callEvents = {
  calls_refused: {
    log: { level: 'warn', message: 'a circuit breaker opened: a worker refuses what a feature asks an upstream' },
  },
  calls_admitted: {
    log: { level: 'info', message: 'a circuit breaker closed: what a feature asks an upstream passes' },
  },
} as const satisfies EventTable

/** Guards what a feature calls at an upstream; operators are told when it refuses that, and when no longer. */
export function guardsCalls(
  call: GuardedCall,
  context: Pick<FeatureContext, 'feature' | 'attemptState' | 'clock' | 'shadow' | 'random' | 'report'>,
): Policy {
  return callBreaker(call, OPTIONS, context, ({ failed, ms, to, total }) => {
    const { feature } = context
    const who = { caller: call.feature, upstream: call.upstream }
    if (to === 'open') {
      const facts = { ...who, failed, total, openMs: Math.round(ms) }
      context.report({ kind: 'event', feature, event: 'calls_refused', facts })
    } else if (to === 'closed') context.report({ kind: 'event', feature, event: 'calls_admitted', facts: who })
  })
}
