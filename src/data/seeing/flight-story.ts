import type { Attempt } from '../../core/attempt.ts'
import type { Exchange } from '../../core/exchange.ts'
import { FAILURES } from '../../core/failures.ts'
import type { Refusals } from '../../core/feature.ts'
import type { AttemptHappening, Flight, FlightSummary, Happening } from '../../core/flight.ts'
import type { Note } from '../../core/note.ts'
import { bytesIn, bytesOut } from '../../core/tunnel.ts'
import type { AccessLogRoute } from './access-log.ts'
import { happeningText, type OwnHappening } from './happening-text.ts'
import { loggedPath, maskedQuery } from './masked.ts'

const MAX_TEXT = 1_024
const SHED: ReadonlySet<string> = new Set(['shed', 'overloaded', 'connections'])
/** Behind the head of the answer. */
const LATE: ReadonlySet<string> = new Set(['body', 'upgrade'])
const DEADLINES: ReadonlySet<string> = new Set(['deadline_exceeded', 'deadline_unmeetable', 'total_exceeded'])

/** An exchange at its end. `now`: clock milliseconds; `wall`: the same since the epoch. */
export interface Ended {
  readonly ex: Exchange
  /** What the client got, 499 for a client that had gone. */
  readonly status: number
  readonly now: number
  readonly wall: number
}

/** The parts of a request that are shown. */
export function summaryOf(
  { ex, now, status, wall }: Ended,
  match: AccessLogRoute,
  why: FlightSummary['why'],
): FlightSummary {
  const { downstream, failure } = ex
  return {
    requestId: ex.requestId,
    correlationId: ex.correlationId,
    traceId: ex.traceparent.slice(3, 35),
    time: new Date(wall - (now - ex.startedAt)).toISOString(),
    route: ex.route?.name ?? null,
    listener: downstream.peer.listener,
    method: downstream.method,
    host: cut(downstream.host),
    path: cut(loggedPath(ex)),
    query: ex.query === '' ? '' : cut(maskedQuery(ex.query, match.queryKeys)),
    status,
    reason: failure?.reason ?? null,
    phase: failure?.phase ?? null,
    origin: failure?.origin ?? null,
    durationMs: rounded(now - ex.startedAt),
    why,
    attempts: ex.attempts,
  }
}

/** How features tell refusals, by the name of their policies. */
export type RefusalsByPolicy = ReadonlyMap<string, Refusals>

/** The same with its story, in the order of time. */
export function flightOf(
  ended: Ended,
  match: AccessLogRoute,
  why: FlightSummary['why'],
  refusals: RefusalsByPolicy,
): Flight {
  const { attempt } = ended.ex
  const timeline = timelineOf(ended, refusals)
  return { ...summaryOf(ended, match, why), upstream: attempt?.upstream ?? null, timeline }
}

function timelineOf({ ex, now, status }: Ended, refusals: RefusalsByPolicy): Happening[] {
  const { degraded, downstream, failure, firstByteAt, notes, queuedMs, startedAt } = ex
  const since = (at: number): number => rounded(at - startedAt)
  const story: Happening[] = []
  const tell = (event: OwnHappening): void => void story.push({ ...event, text: happeningText(event) })
  tell({ atMs: 0, kind: 'received', protocol: downstream.protocol, client: ex.client })
  if (queuedMs > 0) tell({ atMs: 0, kind: 'queued', waitMs: rounded(queuedMs) })
  for (const at of ex.allAttempts) tell(attemptOf(at, since, now))
  for (const note of notes?.kept ?? []) story.push(...decisionOf(note, since(note.at), refusals))
  // For an answer of our own the failure says it; one of the upstream broke in its body.
  const decided = firstByteAt === 0 ? now : firstByteAt
  if (failure !== undefined) tell(failureOf(ex, since(LATE.has(failure.phase) ? now : decided)))
  if (degraded !== undefined) tell({ atMs: since(decided), kind: 'fallback', reason: degraded })
  if (firstByteAt !== 0) tell({ atMs: since(firstByteAt), kind: 'headers', status: ex.response?.status ?? status })
  story.sort((a, b) => a.atMs - b.atMs)
  tell({ atMs: since(now), kind: 'ended', status, bytesIn: bytesIn(ex), bytesOut: bytesOut(ex) })
  return story
}

function attemptOf(
  at: Attempt,
  since: (at: number) => number,
  now: number,
): AttemptHappening & { readonly atMs: number } {
  const { connectedAt, end, endedAt, endpoint, head, number: n, reused, startedAt, status, upstream } = at
  const startMs = since(startedAt)
  return {
    atMs: startMs,
    kind: 'attempt',
    n,
    upstream,
    endpoint,
    startMs,
    durationMs: rounded((endedAt || now) - startedAt),
    connectMs: connectedAt === 0 ? null : rounded(connectedAt - startedAt),
    reused,
    outcome: head === undefined || head.ignored ? 'ignored' : String(head.outcome),
    status,
    reason: head?.reason ?? null,
    rule: at.rule ?? null,
    end,
  }
}

/** Decisions on the whole request are told by its failure and by how long it was queued. */
function decisionOf({ at: _, ...what }: Note, atMs: number, refusals: RefusalsByPolicy): Happening[] {
  if (what.kind === 'decided') {
    const { decision, facts, kind, row } = what
    return row.story === false ? [] : [{ atMs, kind, decision, facts, text: row.sentence(facts as never) }]
  }
  if (what.kind === 'rerouted') {
    const { from, hindrance = null, kind, to } = what
    const event = { atMs, kind, from, to, hindrance } as const
    return [{ ...event, text: happeningText(event) }]
  }
  if (what.kind === 'called') {
    const { ms, reason, ...facts } = what
    const event = { atMs, ...facts, reason: reason ?? null, durationMs: rounded(ms) } as const
    return [{ ...event, text: happeningText(event) }]
  }
  const { kind, policy, reason, upstream } = what
  if (upstream === undefined) return []
  const own = refusals.get(policy)?.[reason]
  const text = own?.(upstream) ?? `no attempt at ${upstream}: ${lowerCased(FAILURES[reason].title)}`
  return [{ atMs, kind, policy, reason, upstream, text }]
}

function failureOf({ deadline, failure, startedAt }: Exchange, atMs: number): OwnHappening {
  const { origin, phase, reason, rule = null } = failure as NonNullable<Exchange['failure']>
  if (SHED.has(reason)) return { atMs, kind: 'shed', reason }
  if (!DEADLINES.has(reason)) return { atMs, kind: 'failed', reason, phase, origin, rule }
  const limit = deadline - startedAt
  return { atMs, kind: 'deadline', reason, limitMs: Number.isFinite(limit) ? rounded(limit) : null }
}

/** A title within a sentence. */
function lowerCased(title: string): string {
  return title.charAt(0).toLowerCase() + title.slice(1)
}

/** Milliseconds with three places. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`
}
