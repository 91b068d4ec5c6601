import type { Attempt } from '../../../core/attempt.ts'
import type { Exchange } from '../../../core/exchange.ts'
import { toldEnd } from '../../../core/outcome.ts'
import type { AttemptRecord, RequestRecord, SideFacts } from '../../../core/spans.ts'
import { fieldValue } from '../../../lib/headers.ts'
import type { Random } from '../../../lib/random.ts'
import { eventsOf } from './events.ts'
import { newSpanId, type RequestTrace } from './request-trace.ts'

/** Clients choose these texts. */
const MAX_TEXT = 1024
const MAX_ATTEMPTS = 32

/** What a record contains besides its exchange. */
export interface RecordFacts {
  readonly gateway: string
  /** undefined: of a client. */
  readonly side?: SideFacts
  /** Name in the config; `-`: none matched. */
  readonly route: string
  readonly pattern: string | undefined
  readonly status: number
  /** Clock milliseconds. */
  readonly now: number
  /** Unix milliseconds at clock time 0. */
  readonly epoch: number
  readonly random: Random
}

/** Upstreams know the ID of a trace that began here. */
function ownId({ begun, continued }: RequestTrace, random: Random): string {
  return continued ? newSpanId(random) : begun.slice(36, 52)
}

/** Everything about an exchange that has ended, in Unix time. */
export function recordOf(ex: Exchange, trace: RequestTrace, facts: RecordFacts): RequestRecord {
  const { downstream, failure } = ex
  const { peer } = downstream
  const { epoch, gateway, now, pattern, random, route, side, status } = facts
  return {
    traceId: trace.begun.slice(3, 35),
    spanId: trace.spanId === '' ? ownId(trace, random) : trace.spanId,
    parentId: trace.continued ? trace.begun.slice(36, 52) : '',
    state: ex.tracestate,
    sampled: trace.sampled,
    startedAt: epoch + ex.startedAt,
    endedAt: epoch + now,
    requestId: ex.requestId,
    correlationId: ex.correlationId,
    gateway,
    side,
    listener: peer.listener,
    secure: peer.secure,
    protocol: downstream.protocol,
    method: bounded(downstream.method),
    path: bounded(ex.path),
    host: bounded(downstream.host),
    localPort: peer.localPort,
    client: ex.client,
    peer: peer.address,
    peerPort: peer.port,
    userAgent: bounded(fieldValue(ex.headers, 'user-agent')),
    route,
    pattern,
    status,
    failure: failure && { reason: failure.reason, phase: failure.phase, origin: failure.origin },
    degraded: ex.degraded,
    events: eventsOf(ex, epoch, now),
    attempts: attemptsSent(ex).map((at) => attemptOf(at, trace.spanIdOf(at), epoch, now)),
  }
}

/** The attempts that have spans. */
export function attemptsSent(ex: Exchange): readonly Attempt[] {
  return ex.allAttempts.filter(({ unsent }) => !unsent).slice(0, MAX_ATTEMPTS)
}

function attemptOf(at: Attempt, spanId: string, epoch: number, now: number): AttemptRecord {
  const { head } = at
  return {
    spanId,
    number: at.number,
    beside: at.beside,
    upstream: at.upstream,
    endpoint: at.endpoint,
    startedAt: epoch + at.startedAt,
    endedAt: epoch + (at.endedAt || now),
    headMs: (at.headAt || at.endedAt || now) - at.startedAt,
    status: at.status,
    outcome: head === undefined || head.ignored ? 'ignored' : head.outcome,
    reason: head?.reason ?? toldEnd(at.end),
    reused: at.reused,
  }
}

function bounded<T extends string | undefined>(text: T): T {
  return text !== undefined && text.length > MAX_TEXT ? (text.slice(0, MAX_TEXT) as T) : text
}
