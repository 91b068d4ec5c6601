import { Message } from './protobuf.ts'

export type Facts = Readonly<Record<string, string | number | boolean>>

/** A span as a collector sees it. */
export interface SeenSpan {
  readonly traceId: string
  readonly spanId: string
  /** Empty: none. */
  readonly parentId: string
  readonly state: string
  readonly name: string
  readonly kind: 'server' | 'client' | 'internal' | 'other'
  /** Nanoseconds since the Unix epoch. */
  readonly start: bigint
  readonly end: bigint
  readonly facts: Facts
  readonly events: readonly { readonly name: string; readonly at: bigint; readonly facts: Facts }[]
  readonly failed: boolean
  readonly resource: Facts
}

/** One point of a metric. */
export interface SeenPoint {
  readonly metric: string
  readonly kind: 'gauge' | 'sum' | 'histogram'
  readonly facts: Facts
  /** Of a histogram: the count. */
  readonly value: number
  readonly sum: number
  readonly buckets: readonly number[]
  readonly bounds: readonly number[]
  readonly resource: Facts
}

const KINDS: Readonly<Record<number, SeenSpan['kind']>> = { 1: 'internal', 2: 'server', 3: 'client' }
const ERROR = 2

/** ExportTraceServiceRequest in protobuf (opentelemetry-proto, collector/trace/v1). */
export function spansOfProtobuf(body: Buffer): SeenSpan[] {
  return new Message(body).messages(1).flatMap((group) => {
    const resource = factsOf(group.message(1), 1)
    return group.messages(2).flatMap((scope) => scope.messages(2).map((span) => spanOf(span, resource)))
  })
}

function spanOf(span: Message, resource: Facts): SeenSpan {
  return {
    traceId: span.bytes(1).toString('hex'),
    spanId: span.bytes(2).toString('hex'),
    parentId: span.bytes(4).toString('hex'),
    state: span.text(3),
    name: span.text(5),
    kind: KINDS[span.number(6)] ?? 'other',
    start: span.fixed64(7),
    end: span.fixed64(8),
    facts: factsOf(span, 9),
    events: span.messages(11).map((event) => ({ name: event.text(2), at: event.fixed64(1), facts: factsOf(event, 3) })),
    failed: span.has(15) && span.message(15).number(3) === ERROR,
    resource,
  }
}

function factsOf(message: Message, field: number): Facts {
  return Object.fromEntries(
    message.messages(field).map((pair) => {
      const value = pair.message(2)
      if (value.has(2)) return [pair.text(1), value.number(2) === 1]
      if (value.has(3)) return [pair.text(1), value.number(3)]
      return [pair.text(1), value.has(4) ? value.double(4) : value.text(1)]
    }),
  )
}

interface JsonPair {
  readonly key: string
  readonly value: { stringValue?: string; boolValue?: boolean; intValue?: number | string; doubleValue?: number }
}

/** The same as JSON (OTLP specification: hex IDs, camel case, 64-bit numbers as text). */
export function spansOfJson(body: Buffer): SeenSpan[] {
  const { resourceSpans } = JSON.parse(body.toString()) as { resourceSpans: JsonGroup[] }
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans.map((span) => jsonSpanOf(span, jsonFacts(resource.attributes)))),
  )
}

interface JsonGroup {
  readonly resource: { readonly attributes: JsonPair[] }
  readonly scopeSpans: { readonly spans: JsonSpan[] }[]
}

interface JsonSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly traceState?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: JsonPair[]
  readonly events: { name: string; timeUnixNano: string; attributes: JsonPair[] }[]
  readonly status: { code?: number }
}

function jsonSpanOf(span: JsonSpan, resource: Facts): SeenSpan {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentId: span.parentSpanId ?? '',
    state: span.traceState ?? '',
    name: span.name,
    kind: KINDS[span.kind] ?? 'other',
    start: BigInt(span.startTimeUnixNano),
    end: BigInt(span.endTimeUnixNano),
    facts: jsonFacts(span.attributes),
    events: span.events.map(({ attributes, name, timeUnixNano }) => ({
      name,
      at: BigInt(timeUnixNano),
      facts: jsonFacts(attributes),
    })),
    failed: span.status.code === ERROR,
    resource,
  }
}

function jsonFacts(pairs: readonly JsonPair[]): Facts {
  return Object.fromEntries(
    pairs.map(({ key, value: { boolValue, doubleValue, intValue, stringValue } }) => [
      key,
      stringValue ?? boolValue ?? doubleValue ?? Number(intValue),
    ]),
  )
}

/** ExportMetricsServiceRequest in protobuf (collector/metrics/v1). */
export function pointsOfProtobuf(body: Buffer): SeenPoint[] {
  return new Message(body).messages(1).flatMap((group) => {
    const resource = factsOf(group.message(1), 1)
    return group.messages(2).flatMap((scope) => scope.messages(2).flatMap((metric) => pointsOf(metric, resource)))
  })
}

function pointsOf(metric: Message, resource: Facts): SeenPoint[] {
  const name = metric.text(1)
  const field = [5, 7, 9].find((number) => metric.has(number)) ?? 0
  const kind = field === 5 ? 'gauge' : field === 7 ? 'sum' : 'histogram'
  return metric
    .message(field)
    .messages(1)
    .map((point) => ({
      metric: name,
      kind,
      facts: factsOf(point, kind === 'histogram' ? 9 : 7),
      value:
        kind === 'histogram' ? Number(point.fixed64(4)) : point.has(4) ? point.double(4) : Number(point.fixed64(6)),
      sum: kind === 'histogram' ? point.double(5) : 0,
      buckets: kind === 'histogram' ? point.packed(6, (bytes, at) => Number(bytes.readBigUInt64LE(at))) : [],
      bounds: kind === 'histogram' ? point.packed(7, (bytes, at) => bytes.readDoubleLE(at)) : [],
      resource,
    }))
}
