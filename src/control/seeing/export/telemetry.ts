import type { CollectorConfig, Config } from '../../../config/language/config.ts'
import { BUCKETS, statusClass, statusClassIndex } from '../../../core/metrics.ts'
import type { WorkerMetrics } from '../../../core/series.ts'
import type { PackedRecord, RequestRecord } from '../../../core/spans.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { Random } from '../../../lib/random.ts'
import { UuidV7 } from '../../../lib/uuid.ts'
import { collectorHeaders } from '../../operations/reload/secrets.ts'
import type { MetricsRegistry } from '../metrics/metrics-registry.ts'
import { Collector } from './collector.ts'
import { MetricsExport } from './metrics.ts'
import { SpanExport } from './spans.ts'

export interface TelemetryExportOptions {
  readonly version: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly registry: Pick<MetricsRegistry, 'exemplify' | 'all'>
  readonly metrics: Pick<WorkerMetrics, 'counter'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** Exports of this process to OpenTelemetry collectors, as the live config says. */
export class TelemetryExport {
  private readonly options: TelemetryExportOptions
  private readonly instance: string
  private readonly since: number
  private spans: SpanExport | undefined = undefined
  private metrics: MetricsExport | undefined = undefined
  private madeSpans = ''
  private madeMetrics = ''

  constructor(options: TelemetryExportOptions) {
    this.options = options
    this.instance = new UuidV7(options.clock, options.random).next()
    this.since = options.clock.wall()
  }

  /**
   * Prepares for another config; calling the function returned makes it effective. Rejects, and changes nothing, if a
   * secret is missing.
   */
  async prepare(config: Config): Promise<() => void> {
    const [spans, metrics] = [await this.prepareSpans(config), await this.prepareMetrics(config)]
    return () => {
      spans()
      metrics()
    }
  }

  private async prepareSpans({ folder, telemetry }: Config): Promise<() => void> {
    const { service, spans } = telemetry
    const headers = spans && (await collectorHeaders(spans, folder, this.options.env))
    const key = JSON.stringify([service, spans, headers])
    if (key === this.madeSpans) return () => {}
    const next = spans && headers && (await this.spanExport(service, spans, headers))
    return () => {
      const before = this.spans
      this.spans = next
      this.madeSpans = key
      void before?.close()
    }
  }

  private async prepareMetrics({ folder, telemetry }: Config): Promise<() => void> {
    const { metrics, service } = telemetry
    const headers = metrics && (await collectorHeaders(metrics, folder, this.options.env))
    const key = JSON.stringify([service, metrics, headers])
    if (key === this.madeMetrics) return () => {}
    const make = metrics && headers && (await this.metricsExport(service, metrics, headers))
    return () => {
      const before = this.metrics
      this.metrics = make?.()
      this.madeMetrics = key
      void before?.close()
    }
  }

  /** Records of a worker. */
  take(records: readonly PackedRecord[]): void {
    this.spans?.take(records)
  }

  /** Sends what is left, for a bounded time. */
  async close(): Promise<void> {
    await Promise.all([this.spans?.close(), this.metrics?.close()])
  }

  /** The SDK is loaded only where it is used: it takes some 20 MB. */
  private async spanExport(
    service: string,
    config: CollectorConfig & { readonly waiting: number },
    headers: Readonly<Record<string, string>>,
  ): Promise<SpanExport> {
    const { clock, log, metrics, version } = this.options
    const { SpanEncoder } = await import('./sdk-spans.ts')
    const { endpoint, protocol, timeout, waiting } = config
    return new SpanExport({
      encoder: new SpanEncoder({ service, version, instance: this.instance }, protocol === 'http/json'),
      collector: new Collector({ url: `${endpoint}/v1/traces`, headers, timeout, clock }),
      waiting,
      sent: (records) => {
        for (const record of records) if (record.sampled) this.exemplify(record)
      },
      metrics,
      clock,
      log,
    })
  }

  /** It begins when what is returned is called. */
  private async metricsExport(
    service: string,
    config: CollectorConfig & { readonly every: number },
    headers: Readonly<Record<string, string>>,
  ): Promise<() => MetricsExport> {
    const { clock, log, registry, version } = this.options
    const { MetricsEncoder } = await import('./sdk-metrics.ts')
    const { endpoint, every, protocol, timeout } = config
    const sender = { service, version, instance: this.instance }
    return () =>
      new MetricsExport({
        encoder: new MetricsEncoder(sender, protocol === 'http/json', BUCKETS, this.since),
        collector: new Collector({ url: `${endpoint}/v1/metrics`, headers, timeout, clock }),
        every,
        families: () => registry.all(),
        clock,
        log,
      })
  }

  private exemplify({ attempts, endedAt, route, side, spanId, startedAt, status, traceId }: RequestRecord): void {
    const { registry } = this.options
    const classOf = statusClass(statusClassIndex(status))
    const seconds = (endedAt - startedAt) / 1000
    if (side === undefined)
      registry.exemplify('sluice_request_duration_seconds', [route, classOf], { traceId, spanId, seconds, at: endedAt })
    for (const { endedAt: at, headMs, spanId: own, upstream } of attempts) {
      const seen = { traceId, spanId: own, seconds: headMs / 1000, at }
      registry.exemplify('sluice_attempt_duration_seconds', [upstream], seen)
    }
  }
}
