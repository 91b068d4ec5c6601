import { defineFeature } from '../../core/feature.ts'
import { keys } from './keys.ts'
import { SloPolicy } from './policy.ts'
import { metrics } from './words.ts'

/** Workers count what becomes of requests; the control plane keeps the error budgets, see `control.ts`. */
export const slo = defineFeature({
  name: 'slo',
  doc: 'The objectives of the route over 30 days. They do not affect requests: the remaining error budget is a metric, and the shipped alerts watch how fast it burns. off: none.',
  keys: { route: keys },
  observes: true,
  places: {
    end: { stage: 1, why: 'It changes nothing: what comes of a request is judged by it at the end.' },
  },
  metrics,
  control: () => import('./control.ts'),
  compile: (options, context) => ({ end: new SloPolicy(options, context) }),
})
