import type { Attempt } from './attempt.ts'
import type { FactValue } from './decision.ts'
import type { Failure, Reason } from './failures.ts'
import type { SideKind } from './note.ts'
import type { OutcomeClass } from './outcome.ts'

/** What a request keeps for its spans while it runs; `data/seeing/tracing/request-trace.ts` makes it. */
export interface Trace {
  /** Its spans are recorded, and upstreams are told so. False: they are recorded if it fails. */
  readonly sampled: boolean
  /**
   * An attempt is sent. Where the trace is sampled, its own span stands as `traceparent` in the fields that the upstream
   * gets.
   */
  dispatched(at: Attempt, headers: string[]): void
}

/** An event of a request's span. */
export interface EventRecord {
  readonly name: string
  /** Milliseconds since the Unix epoch, as all times here. */
  readonly at: number
  readonly facts: Readonly<Record<string, FactValue>>
}

/** One attempt. */
export interface AttemptRecord {
  readonly spanId: string
  readonly number: number
  /** It began while another one was under way. */
  readonly beside: boolean
  readonly upstream: string
  /** `scheme://address:port`. */
  readonly endpoint: string
  readonly startedAt: number
  readonly endedAt: number
  /** Milliseconds until the head of its answer or its failure. */
  readonly headMs: number
  /** 0: no answer. */
  readonly status: number
  readonly outcome: OutcomeClass | 'ignored'
  readonly reason: Reason | undefined
  readonly reused: boolean
}

/** By which a feature made a request of its own. */
export interface SideFacts {
  readonly kind: SideKind
  readonly feature: string
}

/** All that the spans of one request are made of. */
export interface RequestRecord {
  /** Lower-case hex. */
  readonly traceId: string
  readonly spanId: string
  /** Empty: the trace begins here. */
  readonly parentId: string
  readonly state: string | undefined
  /** False: it was not sampled, but failed. */
  readonly sampled: boolean
  readonly startedAt: number
  readonly endedAt: number
  readonly requestId: string
  readonly correlationId: string
  readonly gateway: string
  /** undefined: of a client. */
  readonly side: SideFacts | undefined
  readonly listener: string
  readonly secure: boolean
  readonly protocol: string
  readonly method: string
  /** Normal form. */
  readonly path: string
  readonly host: string
  readonly localPort: number
  readonly client: string
  readonly peer: string
  readonly peerPort: number
  readonly userAgent: string | undefined
  /** Name in the config; `-`: none matched, or none has to do with it. */
  readonly route: string
  /** Path pattern that matched. */
  readonly pattern: string | undefined
  /** What the client got; 499: it had gone. */
  readonly status: number
  readonly failure: Pick<Failure, 'reason' | 'phase' | 'origin'> | undefined
  readonly degraded: Reason | undefined
  readonly events: readonly EventRecord[]
  readonly attempts: readonly AttemptRecord[]
}

/**
 * A record on its way: threads pass one text more cheaply than fifty values, and garbage collectors handle it more cheaply.
 */
export interface PackedRecord {
  readonly spans: number
  /** Of a {@link RequestRecord}. */
  readonly json: string
}

/** A record as one text, see {@link PackedRecord}. */
export function packRecord(record: RequestRecord): PackedRecord {
  return { spans: 1 + record.attempts.length, json: JSON.stringify(record) }
}

/** The packed record; keys without a value are absent. */
export function unpackRecord({ json }: PackedRecord): RequestRecord {
  return JSON.parse(json) as RequestRecord
}

/** Why a span never reached its collector: too many requests run, or a worker, the queue or the collector accepts no more. */
export const SPAN_DROPS = ['tail_full', 'worker_full', 'queue_full', 'rejected', 'closed'] as const

/** One of {@link SPAN_DROPS}. */
export type SpanDrop = (typeof SPAN_DROPS)[number]
