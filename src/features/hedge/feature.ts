import { defineFeature } from '../../core/feature.ts'
import { object, optional } from '../../schema/composites.ts'
import { duration } from '../../schema/scalars.ts'
import { Hedge } from './hedge.ts'
import { decisions, metrics } from './words.ts'

const keys = object({
  delay: optional(
    duration(1, 600_000),
    'Time after which the second attempt begins. Default: the 95th percentile of recent answers, once there were 100.',
  ),
})

/** A second attempt beside a slow first one; the loop of attempts asks when, and decides whether. */
export const hedge = defineFeature({
  name: 'hedge',
  doc: 'A second attempt beside a slow first one, at another endpoint, for requests without a body that may be repeated. The first answer wins. It counts as one of the further attempts of retries, and in the upstream’s retry budget. off: no second attempt.',
  keys: { route: keys },
  places: { beside: { stage: 123, why: 'It is one of the further attempts.' } },
  metrics,
  decisions,
  lints: () => import('./lints.ts'),
  plan: ({ delay }, context) => ({ beside: new Hedge(delay, context) }),
})
