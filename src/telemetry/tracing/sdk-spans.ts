import {
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { type ReadableSpan, SamplingDecision, type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { RequestRecord, TryRecord } from '../../core/spans.ts'
import { clientSpan, serverSpan, type Written } from './attributes.ts'
import { contentTypeOf, resourceAttributes, type Sender } from './sender.ts'

/**
 * Makes spans of the OpenTelemetry SDK of records, and encodes them as OTLP. The SDK never runs on the request path: there
 * it would cost some 6 µs a request even where nothing is sampled.
 */
export class SpanEncoder {
  private readonly json: boolean
  private readonly tracer: Tracer
  /** What the SDK asks for while a span is begun. */
  private next = { traceId: '', spanId: '', state: undefined as string | undefined }
  private ended: ReadableSpan[] = []

  constructor(sender: Sender, json: boolean) {
    const collecting: SpanProcessor = {
      onStart: () => {},
      onEnd: (span) => void this.ended.push(span),
      forceFlush: async () => {},
      shutdown: async () => {},
    }
    const provider = new TracerProvider({
      resource: resourceFromAttributes(resourceAttributes(sender)),
      // Both answer with what is already known to upstreams.
      idGenerator: { generateTraceId: () => this.next.traceId, generateSpanId: () => this.next.spanId },
      sampler: {
        shouldSample: () => ({
          decision: SamplingDecision.RECORD_AND_SAMPLED,
          ...(this.next.state !== undefined && { traceState: createTraceState(this.next.state) }),
        }),
        toString: () => 'decided by the workers',
      },
      spanProcessors: [collecting],
    })
    this.tracer = provider.getTracer('sluice', sender.version)
    this.json = json
  }

  get contentType(): string {
    return contentTypeOf(this.json)
  }

  /** An ExportTraceServiceRequest. */
  encode(records: readonly RequestRecord[]): Uint8Array {
    this.ended = []
    for (const record of records) this.add(record)
    const serializer = this.json ? JsonTraceSerializer : ProtobufTraceSerializer
    const bytes = serializer.serializeRequest(this.ended)
    this.ended = []
    if (bytes === undefined) throw new Error('the spans can not be encoded')
    return bytes
  }

  /** How many spans the collector did not want, as its answer says; 0 where that makes no sense. */
  rejected(answer: Uint8Array): number {
    const serializer = this.json ? JsonTraceSerializer : ProtobufTraceSerializer
    try {
      return answer.length === 0 ? 0 : Number(serializer.deserializeResponse(answer).partialSuccess?.rejectedSpans ?? 0)
    } catch {
      return 0
    }
  }

  private add(record: RequestRecord): void {
    const { events, parentId, spanId, startedAt, traceId, tries } = record
    const parent = parentId === '' ? ROOT_CONTEXT : contextOf(traceId, parentId, true)
    this.next = { traceId, spanId, state: record.state }
    const written = serverSpan(record)
    const span = this.tracer.startSpan(
      written.name,
      { kind: SpanKind.SERVER, startTime: startedAt, attributes: written.attributes },
      parent,
    )
    for (const { at, facts, name } of events) span.addEvent(`sluice.${name}`, facts, at)
    if (written.failed) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end(record.endedAt)
    const inside = contextOf(traceId, spanId, false)
    for (const tri of tries) this.addTry(clientSpan(record, tri), tri, inside)
  }

  private addTry({ attributes, failed, name }: Written, tri: TryRecord, inside: Context): void {
    this.next = { ...this.next, spanId: tri.spanId }
    const span = this.tracer.startSpan(name, { kind: SpanKind.CLIENT, startTime: tri.startedAt, attributes }, inside)
    if (failed) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end(tri.endedAt)
  }
}

function contextOf(traceId: string, spanId: string, isRemote: boolean): Context {
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: 1, isRemote })
}
