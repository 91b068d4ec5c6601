import { block, columnsOf, type Leased, WORD, wordsOf } from '../../cells/shape.ts'
import { WINDOW_SLOTS } from '../../cells/window.ts'
import type { Use } from '../../core/feature.ts'
import type { OutlierOptions } from './keys.ts'
import { OUTLIER_WORDS } from './outlier.ts'

/** Of an upstream: how many endpoints are ejected. */
const group = block({ ejected: WORD })

/** `outcomes`: what its attempts came to, where endpoints are judged by shares. */
const endpoint = {
  ejection: block({ words: wordsOf(OUTLIER_WORDS) }),
  outcomes: block({ window: columnsOf(WINDOW_SLOTS) }),
}

export function cells(): typeof group {
  return group
}

export function endpointCells({ options: { failurePercentage, successRate } }: Use<OutlierOptions>) {
  const judged = failurePercentage !== undefined || successRate !== undefined
  return { ejection: endpoint.ejection, outcomes: judged ? endpoint.outcomes : undefined }
}

export type GroupCells = Leased<typeof group>
export type EndpointOutlierCells = Leased<ReturnType<typeof endpointCells>>
