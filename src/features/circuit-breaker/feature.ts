import { defineFeature } from '../../core/feature.ts'
import { callEvents, guardsCalls } from './calls.ts'
import { cells } from './cells.ts'
import { cutOff } from './cut-off.ts'
import { keys } from './keys.ts'
import { breakersPolicy } from './policy.ts'
import { breakerStates } from './states.ts'
import { metrics, refusals } from './words.ts'

/**
 * A circuit breaker for each upstream of the route, over its attempts, one for all workers. It is asked before each
 * attempt, and learns its head verdict, and of an answer that broke after a good head.
 */
export const circuitBreaker = defineFeature({
  name: 'circuitBreaker',
  doc: 'Refuses attempts at once while an upstream fails, and lets it recover on probation.',
  keys: { route: keys },
  byDefault: true,
  places: {
    attempt: {
      stage: 130,
      why: 'It judges attempts, not requests: nothing that was refused before may count, and each further attempt asks again.',
    },
  },
  cells,
  metrics,
  states: breakerStates,
  refusals,
  cutOff,
  lints: () => import('./lints.ts'),
  events: callEvents,
  guardsCalls,
  control: () => import('./control.ts'),
  compile(options, context) {
    const policy = breakersPolicy(options, context)
    return policy && { attempt: policy }
  },
})
