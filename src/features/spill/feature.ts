import { defineFeature } from '../../core/feature.ts'
import { oneOf } from '../../schema/scalars.ts'
import { Spill } from './spill.ts'
import { decisions, metrics } from './words.ts'

/** The shares of a route with several upstreams follow what these can take. */
export const spill = defineFeature({
  name: 'spill',
  doc: 'If to names several upstreams: whether one without a usable endpoint, or whose breaker is open, gets no first attempts while others of at least a quarter of its weight can take them. auto: on.',
  keys: { route: oneOf('auto', 'on') },
  byDefault: 'auto',
  targets: 2,
  places: {
    draw: { stage: 120, why: 'The first attempt goes where one can be served, as near to the weights as can be.' },
  },
  metrics,
  decisions,
  plan: (_options, context) => ({ first: new Spill(context) }),
})
