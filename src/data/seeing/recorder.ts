import type { Attempt } from '../../core/attempt.ts'
import type { Exchange } from '../../core/exchange.ts'
import { FAILURES, type Reason } from '../../core/failures.ts'
import { STATUS_CLASS_COUNT, statusClass, statusClassIndex } from '../../core/metrics.ts'
import type { ConfigHead } from '../../core/protocol.ts'
import type { RouteRecord } from '../../core/route-facts.ts'
import type { Counter, Histogram, WorkerMetrics } from '../../core/series.ts'
import type { SideFacts } from '../../core/spans.ts'
import type { Clock } from '../../lib/clock.ts'
import type { AccessLog, AccessLogRoute, LoggedHead, RouteLine } from './access-log.ts'
import type { FlightHead, FlightRecorder, FlightRoute } from './flight-recorder.ts'
import { SideSeries } from './side-series.ts'
import type { WorkerTracing } from './tracing/worker-tracing.ts'
import { UpstreamSeries } from './upstream-series.ts'

/** The part of a config generation with which its requests are recorded. */
export type RecordedHead = LoggedHead & FlightHead & Pick<ConfigHead, 'metrics'>

/** Which of a route's path patterns a path matched. */
type PatternOf = (path: string) => string | undefined

const NO_PATTERN: PatternOf = () => undefined

const NO_MATCH: AccessLogRoute = { queryKeys: new Set(), headerNames: [] }
const NONE = '-'

const METHODS: readonly string[] = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'CONNECT',
  'TRACE',
  'QUERY',
  'OTHER',
]
const OTHER = METHODS.length - 1
const METHOD_INDEX: ReadonlyMap<string, number> = new Map(METHODS.map((method, i) => [method, i]))
/** Index 0: no failure. */
const REASONS: readonly string[] = [NONE, ...Object.keys(FAILURES)]
const REASON_INDEX: ReadonlyMap<string, number> = new Map(REASONS.map((reason, i) => [reason, i]))

/**
 * The one recorder of a worker: metrics and access log read an exchange here, once, after everything else. Handles are
 * found by numbers, so that no text is built for metrics after the first occurrence of a combination.
 */
export class Recorder {
  private readonly metrics: WorkerMetrics
  private readonly log: AccessLog | undefined
  private readonly clock: Clock
  private readonly flights: FlightRecorder | undefined
  private readonly tracing: WorkerTracing | undefined
  private readonly upstreams = new Map<string, UpstreamSeries>()
  /** Of the live generation. */
  private readonly sides = new Map<string, SideSeries>()
  private unmatched: RouteRecord | undefined = undefined
  private maxEndpoints = 0
  private live: RecordedHead | undefined = undefined

  /** Without a log nothing is written, without `flights` none is kept, without `tracing` there are no spans. */
  constructor(
    metrics: WorkerMetrics,
    log: AccessLog | undefined,
    clock: Clock,
    { flights, tracing }: { readonly flights?: FlightRecorder; readonly tracing?: WorkerTracing } = {},
  ) {
    this.flights = flights
    this.metrics = metrics
    this.log = log
    this.clock = clock
    this.tracing = tracing
  }

  /** The `record` of a compiled route. */
  route(name: string, match: AccessLogRoute, head: RecordedHead, pattern: PatternOf = NO_PATTERN): RouteRecord {
    return this.recordOf(name, name, match, head, pattern)
  }

  /** The `record` of requests that a feature makes, under the generation that is live. `to`: an upstream, of forks a route. */
  side(facts: SideFacts, to: string): SideSeries {
    const key = `${facts.kind} ${facts.feature} ${to}`
    let series = this.sides.get(key)
    if (series === undefined) {
      series = this.sideOf(facts, to)
      this.sides.set(key, series)
    }
    return series
  }

  private sideOf(facts: SideFacts, to: string): SideSeries {
    const head = this.live as RecordedHead
    const route = facts.kind === 'fork' || facts.kind === 'connect' ? to : undefined
    const line = this.log?.side(facts, route, head)
    const spans = this.tracing && { tracing: this.tracing, gateway: head.gateway.name, route: route ?? NONE }
    return new SideSeries(facts, to, { metrics: this.metrics, clock: this.clock, log: this.log, line, spans })
  }

  /** Requests that match no route are recorded with this generation from now on. */
  commit(head: RecordedHead): void {
    this.unmatched = this.recordOf(NONE, undefined, NO_MATCH, head, NO_PATTERN)
    this.maxEndpoints = head.metrics.endpointSeries
    this.live = head
    this.sides.clear()
  }

  /** Once per exchange, at its very end. */
  finish(ex: Exchange): void {
    const record = ex.route === undefined ? this.unmatched : ex.route.record
    record?.finish(ex)
  }

  /** Once per attempt, at its head verdict. */
  attempt(at: Attempt): void {
    const verdict = at.head
    if (verdict === undefined) return
    let upstream = this.upstreams.get(at.upstream)
    if (upstream === undefined) {
      upstream = new UpstreamSeries(at.upstream, this.metrics, this.clock)
      this.upstreams.set(at.upstream, upstream)
    }
    upstream.record(at, verdict, this.maxEndpoints)
  }

  private recordOf(
    label: string,
    name: string | undefined,
    match: AccessLogRoute,
    head: RecordedHead,
    pattern: PatternOf,
  ): RouteRecord {
    const line = this.log?.route(name, match, head)
    return new RouteSeries(label, line, this.metrics, this.log, this.clock, {
      flight: this.flights?.route(match, head),
      spans: this.tracing && { tracing: this.tracing, gateway: head.gateway.name, pattern },
    })
  }
}

interface SpanFacts {
  readonly tracing: WorkerTracing
  readonly gateway: string
  readonly pattern: PatternOf
}

/** Sinks of some requests only; undefined: there is none. */
interface RouteSinks {
  readonly flight: FlightRoute | undefined
  readonly spans: SpanFacts | undefined
}

/** The series of one route in one generation, and the fixed parts of its lines. */
class RouteSeries implements RouteRecord {
  private readonly name: string
  private readonly line: RouteLine | undefined
  private readonly metrics: WorkerMetrics
  private readonly log: AccessLog | undefined
  private readonly clock: Clock
  private readonly flight: FlightRoute | undefined
  private readonly spans: SpanFacts | undefined
  /** By method, status and reason. */
  private readonly requests = new Map<number, Counter>()
  private readonly durations: (Histogram | undefined)[] = new Array(STATUS_CLASS_COUNT).fill(undefined)
  /** The key counted last, which usually comes again: for a rarely used route the map is not in the cache. */
  private lastKey = -1
  private last: Counter | undefined = undefined
  private lastStatus = -1
  private lastDuration: Histogram | undefined = undefined

  constructor(
    name: string,
    line: RouteLine | undefined,
    metrics: WorkerMetrics,
    log: AccessLog | undefined,
    clock: Clock,
    { flight, spans }: RouteSinks,
  ) {
    this.flight = flight
    this.spans = spans
    this.name = name
    this.line = line
    this.metrics = metrics
    this.log = log
    this.clock = clock
  }

  finish(ex: Exchange): void {
    const now = this.clock.now()
    const status = ex.finalStatus
    this.count(METHOD_INDEX.get(ex.method) ?? OTHER, status, ex.failure?.reason)
    if (ex.degraded !== undefined) this.metrics.counter('sluice_degraded_total', [this.name, ex.degraded]).inc()
    if (ex.rerouted !== undefined)
      for (const to of ex.rerouted) this.metrics.counter('sluice_reroutes_total', [this.name, to]).inc()
    if (status !== this.lastStatus) {
      this.lastStatus = status
      this.lastDuration = this.duration(statusClassIndex(status))
    }
    this.lastDuration?.observe((now - ex.startedAt) / 1000)
    if (this.line !== undefined) this.log?.write(ex, this.line, status, now)
    this.flight?.finish(ex, status, now)
    if (ex.trace !== undefined) this.trace(ex, status, now)
  }

  refused(policy: string, reason: Reason, mode: 'enforce' | 'shadow'): void {
    this.metrics.counter('sluice_rejections_total', [this.name, policy, reason, mode]).inc()
  }

  private trace(ex: Exchange, status: number, now: number): void {
    const { name: route, spans } = this
    spans?.tracing.finish(ex, { gateway: spans.gateway, route, status, now }, spans.pattern)
  }

  private count(method: number, status: number, reason: Reason | undefined): void {
    const why = reason === undefined ? 0 : (REASON_INDEX.get(reason) as number)
    const key = (method * 1024 + status) * REASONS.length + why
    if (key !== this.lastKey) {
      this.lastKey = key
      this.last = this.requests.get(key) ?? this.counted(key, method, status, why)
    }
    this.last?.inc()
  }

  private counted(key: number, method: number, status: number, why: number): Counter {
    const labels = [this.name, METHODS[method] as string, String(status), REASONS[why] as string]
    const counter = this.metrics.counter('sluice_requests_total', labels)
    this.requests.set(key, counter)
    return counter
  }

  private duration(index: number): Histogram {
    let histogram = this.durations[index]
    if (histogram === undefined) {
      const labels = [this.name, statusClass(index)]
      histogram = this.metrics.histogram('sluice_request_duration_seconds', labels)
      this.durations[index] = histogram
    }
    return histogram
  }
}
