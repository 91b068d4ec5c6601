import { defineFeature } from '../../core/feature.ts'
import { leastBusy } from './least-request.ts'
import { peakEwma } from './lowest-latency.ts'
import { maglev } from './maglev.ts'
import { randomChoice } from './random.ts'
import { ringHash } from './ring.ts'
import { roundRobin } from './round-robin.ts'

export const balancers = defineFeature({
  name: 'balancers',
  doc: 'Ways to choose the endpoint that gets the next attempt.',
  keys: {},
  provides: { algorithms: [roundRobin, leastBusy, randomChoice, peakEwma, ringHash, maglev] },
})
