import type { Exchange } from '../../core/exchange.ts'
import type { Failure } from '../../core/failures.ts'
import type { ConfigHead } from '../../core/protocol.ts'
import type { SideFacts } from '../../core/spans.ts'
import { bytesIn, bytesOut, type TunnelFacts } from '../../core/tunnel.ts'
import type { Clock } from '../../lib/clock.ts'
import { type FlatHeaders, fieldValue, isNamed } from '../../lib/headers.ts'
import { mayHoldSecret } from '../../lib/secret-names.ts'
import { CommonLog } from './common-log.ts'
import { jsonMs, jsonText, TimeText } from './json-text.ts'
import { loggedPath, maskedQuery } from './masked.ts'

/** Which parts of a request the match of a route reads, so that they may be shown. */
export interface AccessLogRoute {
  /** As written in the match. */
  readonly queryKeys: ReadonlySet<string>
  /** Lower-case. */
  readonly headerNames: readonly string[]
}

/** The part of a config generation from which its lines are made. */
export type LoggedHead = Pick<ConfigHead, 'generation' | 'gateway' | 'accessLog'>

/** The parts of a line that are the same for all requests of a route in one config generation. */
export interface RouteLine {
  readonly queryKeys: ReadonlySet<string>
  readonly headerNames: readonly string[]
  /** Those of `headerNames` whose values are never shown. */
  readonly hidden: ReadonlySet<string>
  readonly route: string
  readonly head: LineHead
}

/** The parts that are the same for all routes. */
interface LineHead {
  /** undefined: JSON. */
  readonly common: CommonLog | undefined
  readonly showQuery: ReadonlySet<string>
  /** By configuration, lower-case. */
  readonly masked: ReadonlySet<string>
  readonly gateway: string
}

const NOTHING: ReadonlySet<string> = new Set()

/**
 * The access log of one worker: one line of ASCII per request, a JSON object unless configured otherwise. The names of the
 * fields are fixed; a field that does not apply is left out. `time` is the end of the exchange.
 */
export class AccessLog {
  private readonly out: { write(line: string): boolean } | undefined
  private readonly clock: Clock
  private readonly time = new TimeText()
  private readonly heads = new WeakMap<LoggedHead, LineHead>()
  /** By status: the part that most requests have in common. */
  private readonly direct: (string | undefined)[] = []

  /** `out` takes whole lines and may drop them; undefined: none is made. */
  constructor(out: { write(line: string): boolean } | undefined, clock: Clock) {
    this.out = out
    this.clock = clock
  }

  /** `name`: undefined for requests that match no route. */
  route(name: string | undefined, match: AccessLogRoute, head: LoggedHead): RouteLine {
    const fixed = this.head(head)
    return {
      queryKeys: match.queryKeys.size === 0 ? fixed.showQuery : match.queryKeys.union(fixed.showQuery),
      headerNames: match.headerNames,
      hidden: hiddenOf(match.headerNames, fixed.masked),
      route: name === undefined ? '' : flat(`,"route":"${jsonText(name)}"`),
      head: fixed,
    }
  }

  /**
   * Of the requests that a feature makes; `route`: under which a part of them is forked. undefined: the format could not tell
   * them from those of clients.
   */
  side({ feature, kind }: SideFacts, route: string | undefined, head: LoggedHead): RouteLine | undefined {
    if (head.accessLog.format !== 'json') return undefined
    const own = `,"kind":"${kind}","feature":"${jsonText(feature)}"`
    return {
      queryKeys: NOTHING,
      headerNames: [],
      hidden: NOTHING,
      route: flat(route === undefined ? own : `${own},"route":"${jsonText(route)}"`),
      head: this.head(head),
    }
  }

  private head(head: LoggedHead): LineHead {
    const known = this.heads.get(head)
    if (known !== undefined) return known
    const { format, maskHeaders, showQuery } = head.accessLog
    const made: LineHead = {
      common: format === 'json' ? undefined : new CommonLog(format),
      showQuery: new Set(showQuery),
      masked: new Set(maskHeaders),
      gateway: `","gateway":"${jsonText(head.gateway.name)}","generation":${head.generation},"listener":"`,
    }
    this.heads.set(head, made)
    return made
  }

  /** `status`: what the client got, 499 for a client that had gone; `now`: clock milliseconds. */
  write(ex: Exchange, route: RouteLine, status: number, now: number): void {
    const { out } = this
    if (out === undefined || (!ex.logged && isOrdinary(ex, status))) return
    const { common, masked } = route.head
    if (common !== undefined)
      out.write(common.line(ex, { queryKeys: route.queryKeys, hidden: masked }, status, this.clock.wall()))
    else out.write(this.who(ex, route) + this.what(ex, route) + this.outcome(ex, status, now))
  }

  /** IDs, trace, addresses, protocol and names of a config contain no character that JSON escapes. */
  private who(ex: Exchange, route: RouteLine): string {
    const { downstream } = ex
    const { peer } = downstream
    return (
      `{"time":"${this.time.of(this.clock.wall())}","request_id":"${ex.requestId}","correlation_id":"${ex.correlationId}` +
      `","trace_id":"${ex.traceparent.slice(3, 35)}${route.head.gateway}${peer.listener}` +
      `","protocol":"${downstream.protocol}","client":"${ex.client}","peer":"${peer.address}"`
    )
  }

  private what(ex: Exchange, route: RouteLine): string {
    const { downstream, attempt } = ex
    const { queryKeys, headerNames, hidden } = route
    let text = ''
    if (downstream.host !== '') text += `,"host":"${jsonText(downstream.host)}"`
    text += `,"method":"${jsonText(downstream.method)}","path":"${jsonText(loggedPath(ex))}"`
    if (ex.query !== '') text += `,"query":"${jsonText(maskedQuery(ex.query, queryKeys))}"`
    if (headerNames.length > 0) text += matchedHeaders(ex.headers, headerNames, hidden)
    text += route.route
    if (ex.parentId !== undefined) text += `,"parent":"${ex.parentId}"`
    if (ex.rerouted !== undefined) text += `,"rerouted":["${ex.rerouted.join('","')}"]`
    if (attempt === undefined) return text
    return `${text},"upstream":"${attempt.upstream}","endpoint":"${attempt.endpoint}"`
  }

  private course(ex: Exchange, status: number): string {
    if (!isDirect(ex, status)) return courseOf(ex, status)
    this.direct[status] ??= flat(courseOf(ex, status))
    return this.direct[status]
  }

  private outcome(ex: Exchange, status: number, now: number): string {
    const { attempt } = ex
    let text = this.course(ex, status)
    if (attempt !== undefined && !attempt.unsent)
      text += `,"upstream_ms":${jsonMs((attempt.endedAt || now) - attempt.startedAt)}`
    if (ex.firstByteAt !== 0) text += `,"ttfb_ms":${jsonMs(ex.firstByteAt - ex.startedAt)}`
    text += `,"duration_ms":${jsonMs(now - ex.startedAt)},"bytes_in":${bytesIn(ex)},"bytes_out":${bytesOut(ex)}`
    if (ex.tunnel !== undefined) text += tunnelFields(ex.tunnel)
    return ex.degraded === undefined ? `${text}}\n` : `${text},"degraded":"${ex.degraded}"}\n`
  }
}

/** One attempt without any delay before it, and its answer. */
function isDirect({ attempt, attempts, failure, queuedMs }: Exchange, status: number): boolean {
  return attempts === 1 && queuedMs === 0 && failure === undefined && attempt !== undefined && attempt.status === status
}

function courseOf({ attempt, attempts, failure, queuedMs }: Exchange, status: number): string {
  let text = `,"status":${status}`
  if (attempt !== undefined && attempt.status !== 0) text += `,"upstream_status":${attempt.status}`
  if (failure !== undefined) text += failureFields(failure)
  return `${text},"attempts":${attempts},"queue_ms":${jsonMs(queuedMs)}`
}

/** The same ASCII text in one piece: a concatenated text stays a tree of its parts, which each line would walk again. */
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}

function hiddenOf(names: readonly string[], masked: ReadonlySet<string>): ReadonlySet<string> {
  const hidden = names.filter((name) => mayHoldSecret(name) || masked.has(name))
  return hidden.length === 0 ? NOTHING : new Set(hidden)
}

/** Nothing went wrong: it may be left out. */
function isOrdinary(ex: Exchange, status: number): boolean {
  return status < 500 && ex.failure === undefined && ex.degraded === undefined
}

function failureFields({ origin, phase, reason, rule }: Failure): string {
  const text = `,"reason":"${reason}","phase":"${phase}","origin":"${origin}"`
  return rule === undefined ? text : `${text},"rule":"${jsonText(rule)}"`
}

function tunnelFields(tunnel: TunnelFacts): string {
  const { codeFromClient, codeFromUpstream, endedBy, framesFromClient, framesFromUpstream, protocol } = tunnel
  let text = `,"upgrade":"${jsonText(protocol)}","ended_by":"${endedBy ?? 'sluice'}"`
  if (framesFromClient + framesFromUpstream > 0)
    text += `,"frames_in":${framesFromClient},"frames_out":${framesFromUpstream}`
  if (codeFromClient !== 0) text += `,"close_code_client":${codeFromClient}`
  return codeFromUpstream === 0 ? text : `${text},"close_code_upstream":${codeFromUpstream}`
}

function matchedHeaders(headers: FlatHeaders, names: readonly string[], hidden: ReadonlySet<string>): string {
  let out = ''
  for (const name of names) {
    const values = shownValues(headers, name, hidden)
    if (values !== '') out += `${out === '' ? '' : ','}"${jsonText(name)}":${values}`
  }
  return out === '' ? '' : `,"matched_headers":{${out}}`
}

/** A text, or a list of them where there are several lines of that name; empty: none. */
function shownValues(headers: FlatHeaders, name: string, hidden: ReadonlySet<string>): string {
  if (fieldValue(headers, name) === undefined) return ''
  if (hidden.has(name)) return '"***"'
  const values: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const candidate = headers[i] as string
    if (isNamed(candidate, name)) values.push(`"${jsonText(headers[i + 1] as string)}"`)
  }
  return values.length === 1 ? (values[0] as string) : `[${values.join(',')}]`
}
