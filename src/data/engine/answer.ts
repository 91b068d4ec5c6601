import type { Downstream } from '../../core/downstream.ts'
import type { Exchange, ResponseHead } from '../../core/exchange.ts'
import type { BodyStage } from '../../core/policy.ts'
import type { Reply } from '../../core/verdict.ts'
import type { Clock } from '../../lib/clock.ts'
import { beginsWith, type FlatHeaders, fieldValue, removeFields } from '../../lib/headers.ts'
import type { Chain } from './chain.ts'
import { CONTENT_LENGTH, Kind, removeNamed } from './fields.ts'
import { asksHow, howAnswered, serverTiming } from './how-answered.ts'
import type { Snapshot } from './snapshot.ts'

/** The upstream's head as the client gets it: end-to-end fields in their order, then ours. */
export function answerHead(
  snapshot: Snapshot,
  ex: Exchange,
  status: number,
  headers: FlatHeaders,
  stages: readonly BodyStage[],
): ResponseHead {
  const lengthChanges = stages.length > 0 && stages.some((stage) => stage.changesLength)
  const out: string[] = []
  let connection = ''
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    const value = headers[i + 1] as string
    const kind = snapshot.responseKinds.of(name)
    if (kind === Kind.drop || (kind === Kind.contentLength && lengthChanges)) continue
    if (kind === Kind.connection) connection = connection === '' ? value : `${connection},${value}`
    else out.push(name, value)
  }
  if (connection !== '') removeNamed(out, connection)
  ownFields(snapshot, ex, out)
  return { status, headers: out }
}

/** Fields that every answer carries. */
function ownFields(snapshot: Snapshot, ex: Exchange, headers: string[]): void {
  for (const name of snapshot.correlation) headers.push(name, ex.correlationId)
  headers.push('sluice-request-id', ex.requestId)
  if (ex.degraded !== undefined) headers.push('sluice-degraded', ex.degraded)
  if (ex.explain) headers.push('sluice-explain', howAnswered(snapshot, ex))
}

/** The head of an answer of our own. */
export function composeOwn(snapshot: Snapshot, ex: Exchange, reply: Reply): void {
  const headers = reply.headers.slice()
  if (ex.trusted) ex.explain = asksHow(ex)
  ownFields(snapshot, ex, headers)
  ex.response = { status: reply.status, headers }
}

/** The same, for a body that goes through stages or comes from a source, whose length the reply does not name. */
export function composeStreamed(snapshot: Snapshot, ex: Exchange, reply: Reply, stages: readonly BodyStage[]): void {
  composeOwn(snapshot, ex, reply)
  const { body } = reply
  const { headers } = ex.response as ResponseHead
  if (stages.some(({ changesLength }) => changesLength)) removeFields(headers, CONTENT_LENGTH)
  else if (!Buffer.isBuffer(body) && body?.length !== undefined) headers.push('content-length', String(body.length))
}

/** Whether a body may follow the head that goes out. */
export function takesBody({ method, response }: Exchange): boolean {
  const status = response?.status
  return method !== 'HEAD' && status !== 204 && status !== 304
}

/** What {@link sendHead} sends. */
export interface HeadSource {
  readonly ex: Exchange
  readonly clock: Pick<Clock, 'now'>
  readonly downstream: Pick<Downstream, 'head'>
}

/** False: it cannot be sent, and nothing was. */
export function sendHead({ clock, downstream, ex }: HeadSource): boolean {
  if (ex.response === undefined) return true
  // Before the call: the downstream may find the client gone in it.
  ex.sent = true
  ex.firstByteAt = clock.now()
  if (ex.explain) ex.response.headers.push('server-timing', serverTiming(ex))
  if (downstream.head(ex.response.status, ex.response.headers)) return true
  ex.sent = false
  ex.firstByteAt = 0
  return false
}

export const NO_STAGES: readonly BodyStage[] = []

/** Innermost first: the policy nearest to the upstream sees the body first. */
export function answerStages(ex: Exchange, chain: Chain, bug: (error: unknown) => void): readonly BodyStage[] {
  if (chain.hooks.responseBody.length === 0) return NO_STAGES
  const stages: BodyStage[] = []
  for (let i = chain.hooks.responseBody.length - 1; i >= 0; i--) {
    const place = chain.hooks.responseBody[i] as number
    if (place >= ex.reached) continue
    try {
      const stage = chain.policies[place]?.responseBody?.(ex)
      if (stage !== undefined) stages.push(stage)
    } catch (error) {
      bug(error)
    }
  }
  return stages
}

/** Server-sent events: a stream, bounded by `timeouts.stream`. */
export function isEventStream(headers: FlatHeaders): boolean {
  const type = fieldValue(headers, 'content-type')
  return type !== undefined && beginsWith(type, 'text/event-stream')
}
