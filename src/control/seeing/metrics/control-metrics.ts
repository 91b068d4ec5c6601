import { PAGE_BYTES, type Page } from '../../../cells/pages.ts'
import { CellSpace } from '../../../cells/space.ts'
import { WorkerMetrics } from '../../../core/series.ts'
import type { MetricsRegistry } from './metrics-registry.ts'

/** No worker has this number. */
const CONTROL = -1

/** Counters and histograms of the control plane itself: it counts like one more worker, in pages of its own. */
export function controlMetrics(metrics: Pick<MetricsRegistry, 'addPage' | 'series'>): WorkerMetrics {
  let next = -1
  const page = (): Page => {
    const made: Page = { id: next--, kind: 'floats', buffer: new SharedArrayBuffer(PAGE_BYTES) }
    metrics.addPage(CONTROL, made)
    return made
  }
  const own = new WorkerMetrics(new CellSpace(1, 0), [page()], (message) => {
    if (message.type === 'series') metrics.series(CONTROL, message)
    else if (message.type === 'want-page') queueMicrotask(() => own.addPages([page()]))
  })
  return own
}
