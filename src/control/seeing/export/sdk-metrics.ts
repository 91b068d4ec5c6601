import { type HrTime, ValueType } from '@opentelemetry/api'
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer'
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources'
import { AggregationTemporality, DataPointType, type MetricData } from '@opentelemetry/sdk-metrics'
import { timeOf } from './hr-time.ts'
import { contentTypeOf, resourceAttributes, type Sender } from './sender.ts'

/** One series, as `exposition.ts` has it. */
export interface SeriesPoint {
  readonly labels: Readonly<Record<string, string | number>>
  /** `counts`: one per bound, and one above the last. */
  readonly value: number | { readonly counts: readonly number[]; readonly sum: number }
}

/** Series of one metric. */
export interface Points {
  readonly name: string
  readonly help: string
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly points: readonly SeriesPoint[]
}

/** Encodes metrics as OTLP. Cumulative: values that one request misses come with the next one. */
export class MetricsEncoder {
  private readonly resource: Resource
  private readonly version: string
  private readonly json: boolean
  private readonly bounds: readonly number[]
  private readonly since: HrTime

  /** `since`: Unix milliseconds at which counting began; `bounds`: of histograms. */
  constructor(sender: Sender, json: boolean, bounds: readonly number[], since: number) {
    this.resource = resourceFromAttributes(resourceAttributes(sender))
    this.version = sender.version
    this.json = json
    this.bounds = bounds
    this.since = timeOf(since)
  }

  get contentType(): string {
    return contentTypeOf(this.json)
  }

  /** An ExportMetricsServiceRequest. `now`: Unix milliseconds. */
  encode(families: readonly Points[], now: number): Uint8Array {
    const metrics = families.map((family) => this.metric(family, timeOf(now)))
    const scope = { name: 'sluice', version: this.version }
    const serializer = this.json ? JsonMetricsSerializer : ProtobufMetricsSerializer
    const bytes = serializer.serializeRequest({ resource: this.resource, scopeMetrics: [{ scope, metrics }] })
    if (bytes === undefined) throw new Error('the metrics cannot be encoded')
    return bytes
  }

  private metric({ help, kind, name, points }: Points, endTime: HrTime): MetricData {
    const common = {
      descriptor: { name, description: help, unit: name.endsWith('_seconds') ? 's' : '', valueType: ValueType.DOUBLE },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
    }
    const times = { startTime: this.since, endTime }
    if (kind === 'histogram') {
      const dataPoints = points.map(({ labels, value }) => ({
        ...times,
        attributes: labels,
        value: this.histogram(value),
      }))
      return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints }
    }
    const dataPoints = points.map(({ labels, value }) => ({ ...times, attributes: labels, value: value as number }))
    if (kind === 'gauge') return { ...common, dataPointType: DataPointType.GAUGE, dataPoints }
    return { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
  }

  private histogram(value: SeriesPoint['value']) {
    const { counts, sum } = value as Exclude<SeriesPoint['value'], number>
    const buckets = { boundaries: this.bounds.slice(), counts: counts.slice() }
    return { buckets, sum, count: counts.reduce((all, count) => all + count, 0) }
  }
}
