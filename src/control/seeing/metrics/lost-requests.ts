import type { SloConfig } from '../../../core/config.ts'
import { FAILURES, type Reason } from '../../../core/failures.ts'
import type { WorkerMetrics } from '../../../core/series.ts'
import type { ObjectiveKind } from '../../../data/seeing/slo.ts'
import type { Log } from '../../../lib/log.ts'
import type { ExitReason } from '../../contract.ts'

const REASON: Reason = 'worker_lost'

export interface LostRequestsOptions {
  /** Counts for the control plane. */
  readonly metrics: Pick<WorkerMetrics, 'counter'>
  /** Objectives of a live route. */
  readonly objectives: (route: string) => SloConfig | undefined
  readonly log: Log
}

/**
 * Requests that ended with their worker, which could not record them. Counted by route, charged to its objectives
 * (availability; how long they took is not known), and logged in one line per route.
 */
export class LostRequests {
  private readonly options: LostRequestsOptions

  constructor(options: LostRequestsOptions) {
    this.options = options
  }

  /** `requests`: in flight by route when the worker ended. */
  take(worker: number, why: ExitReason, requests: ReadonlyMap<string, number>): void {
    const { log, metrics, objectives } = this.options
    for (const [route, lost] of requests) {
      metrics.counter('sluice_requests_total', [route, '-', String(FAILURES[REASON].status), REASON]).inc(lost)
      if (objectives(route)?.availability !== undefined) this.charge(route, 'availability', lost)
      log.error('requests were lost with a worker', {
        reason: REASON,
        route,
        requests: lost,
        worker,
        worker_ended: why,
      })
    }
  }

  private charge(route: string, objective: ObjectiveKind, lost: number): void {
    this.options.metrics.counter('sluice_slo_events_total', [route, objective, 'bad']).inc(lost)
  }
}
