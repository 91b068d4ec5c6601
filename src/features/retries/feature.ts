import { defineFeature } from '../../core/feature.ts'
import { keys } from './keys.ts'
import { Retries } from './retries.ts'
import { decisions, metrics } from './words.ts'

/** Attempts after a failed one, where they are safe and in time. */
export const retries = defineFeature({
  name: 'retries',
  doc: 'Further attempts after a failure. off: one attempt per request.',
  keys: { route: keys },
  byDefault: true,
  places: { again: { stage: 122, why: 'Only what was admitted is sent, and repeated.' } },
  metrics,
  decisions,
  lints: () => import('./lints.ts'),
  plan: (options, context) => ({ again: new Retries(options, context) }),
})
