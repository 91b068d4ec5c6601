import type { Attempt } from '../../core/attempt.ts'
import type { HeadVerdict } from '../../core/outcome.ts'
import type { Counter, Histogram, WorkerMetrics } from '../../core/series.ts'
import type { Clock } from '../../lib/clock.ts'

interface EndpointSeries {
  readonly outcomes: Map<string | number, Counter>
  /** Clock milliseconds of the latest attempt. */
  usedAt: number
}

/**
 * The series of one worker for the attempts of one upstream. Endpoints come and go: beyond a number of them the least
 * recently used one makes room.
 */
export class UpstreamSeries {
  private readonly upstream: string
  private readonly metrics: WorkerMetrics
  private readonly clock: Clock
  private readonly durations: Histogram
  private readonly endpoints = new Map<string, EndpointSeries>()

  constructor(upstream: string, metrics: WorkerMetrics, clock: Clock) {
    this.upstream = upstream
    this.metrics = metrics
    this.clock = clock
    this.durations = metrics.histogram('sluice_attempt_duration_seconds', [upstream])
  }

  /** The head verdict of an attempt has come. `maxEndpoints`: endpoints that are counted separately, at least one. */
  record(at: Attempt, verdict: HeadVerdict, maxEndpoints: number): void {
    const { endpoint, startedAt } = at
    const now = at.judgedAt(this.clock)
    this.durations.observe((now - startedAt) / 1000)
    let series = this.endpoints.get(endpoint)
    if (series === undefined) {
      while (this.endpoints.size >= maxEndpoints) this.evict()
      series = { outcomes: new Map(), usedAt: now }
      this.endpoints.set(endpoint, series)
    }
    series.usedAt = now
    const outcome = verdict.ignored ? 'ignored' : verdict.outcome
    let counter = series.outcomes.get(outcome)
    if (counter === undefined) {
      counter = this.metrics.counter('sluice_attempts_total', [this.upstream, endpoint, String(outcome)])
      series.outcomes.set(outcome, counter)
    }
    counter.inc()
  }

  private evict(): void {
    let oldest: string | undefined
    let usedAt = Number.POSITIVE_INFINITY
    for (const [endpoint, series] of this.endpoints) {
      if (series.usedAt >= usedAt) continue
      oldest = endpoint
      usedAt = series.usedAt
    }
    if (oldest === undefined) return
    const { outcomes } = this.endpoints.get(oldest) as EndpointSeries
    for (const outcome of outcomes.keys()) {
      this.metrics.release('sluice_attempts_total', [this.upstream, oldest, String(outcome)])
    }
    this.endpoints.delete(oldest)
  }
}
