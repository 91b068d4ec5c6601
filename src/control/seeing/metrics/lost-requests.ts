import { FAILURES, type Reason } from '../../../core/failures.ts'
import type { WorkerMetrics } from '../../../core/series.ts'
import type { Log } from '../../../lib/log.ts'
import type { ExitReason } from '../../contract.ts'

const REASON: Reason = 'worker_lost'

export interface LostRequestsOptions {
  /** Counts for the control plane. */
  readonly metrics: Pick<WorkerMetrics, 'counter'>
  readonly tell: (route: string, requests: number) => void
  readonly log: Log
}

/**
 * Requests that ended with their worker, which could not record them. Counted by route, told to features,
 * and logged in one line per route.
 */
export class LostRequests {
  private readonly options: LostRequestsOptions

  constructor(options: LostRequestsOptions) {
    this.options = options
  }

  /** `requests`: in flight by route when the worker ended. */
  take(worker: number, why: ExitReason, requests: ReadonlyMap<string, number>): void {
    const { log, metrics, tell } = this.options
    for (const [route, lost] of requests) {
      metrics.counter('sluice_requests_total', [route, '-', String(FAILURES[REASON].status), REASON]).inc(lost)
      tell(route, lost)
      log.error('requests were lost with a worker', {
        reason: REASON,
        route,
        requests: lost,
        worker,
        worker_ended: why,
      })
    }
  }
}
