import { defineFeature } from '../../core/feature.ts'
import { cells, endpointCells } from './cells.ts'
import { ejection } from './ejection.ts'
import { keys } from './keys.ts'
import { Outliers } from './part.ts'
import { endpointStates, events } from './states.ts'
import { metrics } from './words.ts'

/** Takes endpoints whose attempts fail out of service for a while, over all workers. */
export const outlierDetection = defineFeature({
  name: 'outlierDetection',
  doc: 'Passive health: an endpoint whose attempts fail gets none for a while.',
  keys: { upstream: keys },
  byDefault: true,
  metrics,
  endpointStates,
  events,
  lints: () => import('./lints.ts'),
  control: () => import('./control.ts'),
  upstream: {
    ejection,
    cells,
    endpointCells,
    compile: (options, context) => new Outliers(options, context),
  },
})
