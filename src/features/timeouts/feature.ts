import { defineFeature } from '../../core/feature.ts'
import { keys } from './keys.ts'

/** Bounds on time: they are the limits of the plan, which the clocks of each exchange and of each attempt read. */
export const timeouts = defineFeature({
  name: 'timeouts',
  doc: 'Timeouts of the route’s requests.',
  keys: { route: keys },
  byDefault: true,
  targets: 0,
  places: { clocks: { stage: 6, why: 'They run from the start, so that waiting counts, too.' } },
  lints: () => import('./lints.ts'),
  plan: (limit) => ({ limit }),
})
