import { defineFeature } from '../../core/feature.ts'
import { cells, figures } from './cells.ts'
import { keys } from './keys.ts'
import { attemptCells, attemptKeys, UpstreamPermits } from './permits.ts'
import { bulkheadPolicy } from './policy.ts'
import { decisions, metrics, upstreamRefuses } from './words.ts'

/** Bounds the requests that a route has in flight: one permit per request, from admit to settle, exact over all workers. */
export const bulkhead = defineFeature({
  name: 'bulkhead',
  doc: 'Bounds the requests in flight on the route, so that one slow service cannot take all resources.',
  keys: { route: keys, upstream: attemptKeys },
  byDefault: true,
  places: {
    permit: {
      stage: 100,
      why: 'A request that is answered without the upstream needs no permit, and one permit covers all attempts of a request.',
    },
  },
  cells,
  metrics,
  figures,
  decisions,
  mostInFlight: ({ maxConcurrent, mode }) => (mode === 'shadow' ? undefined : maxConcurrent),
  lints: () => import('./lints.ts'),
  compile: (options, context) => ({ permit: bulkheadPolicy(options, context) }),
  upstream: {
    doc: 'Bounds the attempts in flight to the upstream.',
    refuses: upstreamRefuses,
    mostInFlight: ({ maxConcurrent }) => maxConcurrent,
    cells: () => attemptCells,
    compile: ({ maxConcurrent }, context) => ({ permits: new UpstreamPermits(maxConcurrent, context) }),
  },
})
