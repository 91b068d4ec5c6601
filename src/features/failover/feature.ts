import { defineFeature } from '../../core/feature.ts'
import { oneOrMany } from '../../schema/composites.ts'
import { reference } from '../../schema/mark.ts'

/** Upstreams that take over from those of the route; each is an attempt of its own, with a breaker and a budget of its own. */
export const failover = defineFeature({
  name: 'failover',
  doc: 'Upstreams that take over, in order. off: none.',
  keys: { route: oneOrMany(reference('upstream'), 0) },
  places: { order: { stage: 121, why: 'Each attempt goes where one can be served.' } },
  alternates: (upstreams) => upstreams,
})
