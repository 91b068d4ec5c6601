import type { Exchange } from '../../core/exchange.ts'
import { FAILURES, type Reason } from '../../core/failures.ts'
import type { RouteRecord } from '../../core/route-facts.ts'
import type { Histogram, WorkerMetrics } from '../../core/series.ts'
import type { SideFacts } from '../../core/spans.ts'
import type { Clock } from '../../lib/clock.ts'
import type { AccessLog, RouteLine } from './access-log.ts'
import type { WorkerTracing } from './tracing/worker-tracing.ts'

const NO_PATTERN = (): undefined => undefined

/** Where they are recorded; undefined: nowhere there. */
interface SideSinks {
  readonly metrics: WorkerMetrics
  readonly clock: Clock
  readonly log: AccessLog | undefined
  readonly line: RouteLine | undefined
  readonly spans: { readonly tracing: WorkerTracing; readonly gateway: string; readonly route: string } | undefined
}

/** The series of the requests that a feature makes to one upstream, or by forks of one route, and their lines and spans. */
export class SideSeries implements RouteRecord {
  private readonly facts: SideFacts
  private readonly to: string
  private readonly sinks: SideSinks
  private readonly duration: Histogram

  constructor(facts: SideFacts, to: string, sinks: SideSinks) {
    this.facts = facts
    this.to = to
    this.sinks = sinks
    this.duration = sinks.metrics.histogram('sluice_side_request_duration_seconds', [facts.feature, facts.kind, to])
  }

  finish(ex: Exchange): void {
    const { duration, facts, sinks } = this
    const { clock, line, log, spans } = sinks
    const now = clock.now()
    const status = ex.finalStatus
    this.count(status, ex.failure?.reason)
    duration.observe((now - ex.startedAt) / 1000)
    if (line !== undefined) log?.write(ex, line, status, now)
    if (ex.trace === undefined || spans === undefined) return
    const { gateway, route, tracing } = spans
    tracing.finish(ex, { gateway, route, side: facts, status, now }, NO_PATTERN)
  }

  /** One could not begin. */
  missed(reason: Reason): void {
    this.count(FAILURES[reason].status, reason)
  }

  /** Its metric counts what clients met. */
  refused(): void {}

  private count(status: number, reason: Reason | undefined): void {
    const { feature, kind } = this.facts
    const labels = [feature, kind, this.to, String(status), reason ?? '-']
    this.sinks.metrics.counter('sluice_side_requests_total', labels).inc()
  }
}
