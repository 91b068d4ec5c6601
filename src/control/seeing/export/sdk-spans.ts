import { type SpanContext, SpanKind, SpanStatusCode, type TraceState } from '@opentelemetry/api'
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { AttemptRecord, EventRecord, RequestRecord } from '../../../core/spans.ts'
import { clientSpan, serverSpan, sideSpan, type WrittenSpan } from './attributes.ts'
import { timeOf } from './hr-time.ts'
import { contentTypeOf, resourceAttributes, type Sender } from './sender.ts'

type TimedEvent = ReadableSpan['events'][number]

/**
 * Writes records as spans of the OpenTelemetry SDK and encodes them as OTLP. Its tracer would copy all of a record once
 * more and check each attribute again: with it encoding takes twice as long.
 */
export class SpanEncoder {
  private readonly json: boolean
  private readonly resource: Resource
  private readonly instrumentationScope: ReadableSpan['instrumentationScope']

  constructor(sender: Sender, json: boolean) {
    this.resource = resourceFromAttributes(resourceAttributes(sender))
    this.instrumentationScope = { name: 'sluice', version: sender.version }
    this.json = json
  }

  get contentType(): string {
    return contentTypeOf(this.json)
  }

  /** An ExportTraceServiceRequest. */
  encode(records: readonly RequestRecord[]): Uint8Array {
    const spans: ReadableSpan[] = []
    for (const record of records) this.add(record, spans)
    const serializer = this.json ? JsonTraceSerializer : ProtobufTraceSerializer
    const bytes = serializer.serializeRequest(spans)
    if (bytes === undefined) throw new Error('the spans cannot be encoded')
    return bytes
  }

  /** How many spans the collector rejected, as its answer says; 0 if that makes no sense. */
  rejected(answer: Uint8Array): number {
    const serializer = this.json ? JsonTraceSerializer : ProtobufTraceSerializer
    try {
      return answer.length === 0 ? 0 : Number(serializer.deserializeResponse(answer).partialSuccess?.rejectedSpans ?? 0)
    } catch {
      return 0
    }
  }

  private add(record: RequestRecord, spans: ReadableSpan[]): void {
    const { events, parentId, spanId, state, traceId, attempts } = record
    const shared =
      state === undefined ? { traceId, traceFlags: 1 } : { traceId, traceFlags: 1, traceState: passed(state) }
    const context = { ...shared, spanId }
    const parent = parentId === '' ? undefined : { ...shared, spanId: parentId, isRemote: true }
    const [kind, written] =
      record.side === undefined
        ? ([SpanKind.SERVER, serverSpan(record)] as const)
        : ([SpanKind.INTERNAL, sideSpan(record, record.side)] as const)
    spans.push(this.span(kind, written, record, context, parent, events.map(eventOf)))
    for (const attempt of attempts)
      spans.push(
        this.span(
          SpanKind.CLIENT,
          clientSpan(record, attempt),
          attempt,
          { ...shared, spanId: attempt.spanId },
          context,
          [],
        ),
      )
  }

  private span(
    kind: SpanKind,
    { attributes, failed, name }: WrittenSpan,
    { endedAt, startedAt }: Pick<AttemptRecord, 'startedAt' | 'endedAt'>,
    context: SpanContext,
    parent: SpanContext | undefined,
    events: TimedEvent[],
  ): ReadableSpan {
    return {
      name,
      kind,
      spanContext: () => context,
      // Spread in where there is one, it would cost as much as all the rest.
      parentSpanContext: parent as SpanContext,
      startTime: timeOf(startedAt),
      endTime: timeOf(endedAt),
      duration: timeOf(endedAt - startedAt),
      ended: true,
      status: { code: failed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
      attributes,
      links: [],
      events,
      resource: this.resource,
      instrumentationScope: this.instrumentationScope,
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    }
  }
}

function eventOf({ at, facts, name }: EventRecord): TimedEvent {
  return { name: `sluice.${name}`, attributes: facts, time: timeOf(at) }
}

/** As it came: it has been checked, and encoding needs nothing else. */
function passed(state: string): TraceState {
  return { serialize: () => state } as TraceState
}
