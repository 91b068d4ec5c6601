import { defineFeature } from '../../core/feature.ts'
import type { UpstreamPart } from '../../core/upstream-part.ts'
import { duration } from '../../schema/scalars.ts'
import { SlowStart } from './slow-start.ts'

export const slowStart = defineFeature({
  name: 'slowStart',
  doc: 'Time in which an endpoint that is new or has recovered grows from a tenth of its share of the requests to all of it.',
  keys: { loadBalancing: duration(1000, 3_600_000) },
  byDefault: 'off',
  upstream: {
    compile: (ms, { clock, random }): UpstreamPart => ({
      balance: { stage: 30, why: 'Of the endpoints that the others leave, those that are warm go first.' },
      balancing: (create) => () => new SlowStart(create(), ms, random, clock),
    }),
  },
})
