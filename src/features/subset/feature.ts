import { defineFeature } from '../../core/feature.ts'
import type { UpstreamPart } from '../../core/upstream-part.ts'
import { hashOn } from '../../http/hash-source.ts'
import { object, optional, required } from '../../schema/composites.ts'
import { integer } from '../../schema/scalars.ts'
import { ShuffleSharding } from './shuffle.ts'

const keys = object({
  size: required(integer(1, 1000), 'Number of endpoints that a key may go to.'),
  hashOn: optional(hashOn, 'What the key is made of. Default: loadBalancing.hashOn.'),
})

export const subset = defineFeature({
  name: 'subset',
  doc: 'Shuffle sharding: each key goes to few endpoints only, so that a client that breaks them cannot break all.',
  keys: { upstream: keys },
  lints: () => import('./lints.ts'),
  upstream: {
    keyOf: ({ hashOn }) => (hashOn === undefined ? 'upstream' : 'options'),
    compile: ({ hashOn, size }, { random }): UpstreamPart => ({
      ...(hashOn && { hashOn }),
      balance: { stage: 10, why: 'It bounds which endpoints a key may meet at all.' },
      balancing: (create) => () => new ShuffleSharding(size, random, create),
    }),
  },
})
