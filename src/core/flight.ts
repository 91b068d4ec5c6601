import type { FactValue } from './decision.ts'
import type { Origin } from './failures.ts'
import type { Hindrance, SideKind } from './note.ts'

/** What the flight recorder keeps of a request, and what a tap shows: redacted as the access log is. Structured-cloneable. */

/** Something that happened to a request, and what an operator reads of it: the one place where it is put into words. */
export type Happening = HappeningFacts & { readonly text: string }

/** The facts of it. `atMs`: milliseconds since the head of the request was complete. */
export type HappeningFacts = { readonly atMs: number } & (
  | { readonly kind: 'received'; readonly protocol: string; readonly client: string }
  /** It waited for a permit. */
  | { readonly kind: 'queued'; readonly waitMs: number }
  | AttemptHappening
  /** A policy lets no attempt pass there. */
  | { readonly kind: 'refused'; readonly policy: string; readonly reason: string; readonly upstream: string }
  /** It goes on under another route; `hindrance`: why it cannot; null: it does. */
  | { readonly kind: 'rerouted'; readonly from: string; readonly to: string; readonly hindrance: Hindrance | null }
  /** A feature made a request for it: `to` an upstream, or by a fork of its route. Its answer or failure was there. */
  | {
      readonly kind: 'called'
      readonly feature: string
      readonly what: SideKind
      readonly to: string
      /** 0: no answer. */
      readonly status: number
      readonly reason: string | null
      readonly durationMs: number
    }
  | { readonly kind: 'shed'; readonly reason: string }
  /** `limitMs`: how long it might have taken; null: that was not the limit. */
  | { readonly kind: 'deadline'; readonly reason: string; readonly limitMs: number | null }
  /** `rule`: which one was broken, where the reason stands for many. */
  | {
      readonly kind: 'failed'
      readonly reason: string
      readonly phase: string
      readonly origin: string
      readonly rule: string | null
    }
  /** A feature decided it, see `Feature.decisions`. */
  | {
      readonly kind: 'decided'
      readonly decision: string
      readonly facts: Readonly<Record<string, FactValue>>
    }
  /** A fallback answered in the place of this failure. */
  | { readonly kind: 'fallback'; readonly reason: string }
  /** The head of the answer went out. */
  | { readonly kind: 'headers'; readonly status: number }
  | { readonly kind: 'ended'; readonly status: number; readonly bytesIn: number; readonly bytesOut: number }
)

/** One attempt of the request. Times are milliseconds; null: it did not happen. */
export interface AttemptHappening {
  readonly kind: 'attempt'
  readonly n: number
  readonly upstream: string
  readonly endpoint: string
  readonly startMs: number
  /** Until its answer was complete, it failed, or the request ended. */
  readonly durationMs: number
  /** Until there was a connection; null: there was none. */
  readonly connectMs: number | null
  readonly reused: boolean
  /** `ok`, a class of failures, a status from 500 on, or `ignored`: no request waited for it any more. */
  readonly outcome: string
  /** 0: no answer. */
  readonly status: number
  readonly reason: string | null
  /** What was wrong with an answer that could not be parsed. */
  readonly rule: string | null
  readonly end: string
}

/** A request without its story. */
export interface FlightSummary {
  readonly requestId: string
  readonly correlationId: string
  readonly traceId: string
  /** When its head was complete, RFC 3339. */
  readonly time: string
  /** null: none matched. */
  readonly route: string | null
  readonly listener: string
  readonly method: string
  readonly host: string
  readonly path: string
  /** Masked as in the access log. */
  readonly query: string
  /** What the client got; 499: it had gone. */
  readonly status: number
  readonly reason: string | null
  readonly phase: string | null
  readonly origin: Origin | null
  readonly durationMs: number
  /** null: neither, it was only tapped. */
  readonly why: 'failed' | 'slow' | null
  readonly attempts: number
}

/** A request with its story, in the order of time. */
export interface Flight extends FlightSummary {
  readonly upstream: string | null
  readonly timeline: readonly Happening[]
}

/** Which requests to show; undefined: any. Bounds of the status are included. */
export interface FlightFilter {
  readonly route: string | undefined
  readonly method: string | undefined
  readonly status: readonly [from: number, to: number] | undefined
  readonly reason: string | undefined
}

/** The feed of the filters of all taps: workers show requests that one of them lets pass. */
export const TAPS_FEED = 'taps'

/** What must not crowd each other out: caused by clients alone, refused before any attempt, and all the others. */
export type Crowd = 'client' | 'refused' | 'attempted'

/** The crowd of a request that ended so; `origin` undefined: it did not fail. */
export function crowdOf(origin: Origin | undefined, attempts: number): Crowd {
  if (origin === 'client') return 'client'
  return origin === 'sluice' && attempts === 0 ? 'refused' : 'attempted'
}

/** Whether a filter lets a request pass. */
export function passes(filter: FlightFilter, flight: Pick<FlightSummary, keyof FlightFilter>): boolean {
  const { method, reason, route, status } = filter
  if (route !== undefined && route !== (flight.route ?? '-')) return false
  if (method !== undefined && method !== flight.method) return false
  if (reason !== undefined && reason !== flight.reason) return false
  return status === undefined || (flight.status >= status[0] && flight.status <= status[1])
}
