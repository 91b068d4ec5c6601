import type { Exchange } from '../core/exchange.ts'
import type { Failure } from '../core/failures.ts'
import type { ConfigHead } from '../core/protocol.ts'
import type { Clock } from '../lib/clock.ts'
import { type FlatHeaders, fieldValue } from '../lib/headers.ts'
import { jsonMs, jsonText, TimeText } from './json-text.ts'

/** What of a request a route's match looks at, and its lines may therefore show. */
export interface AccessLogRoute {
  /** As written in the match. */
  readonly queryKeys: ReadonlySet<string>
  /** Lower-case. */
  readonly headerNames: readonly string[]
}

/** The parts of a line that are the same for all requests of a route in one config generation. */
export interface RouteLine {
  readonly match: AccessLogRoute
  readonly gateway: string
  readonly route: string
}

/** Never shown, even where a match names them. */
const SECRET_HEADERS: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie'])

const AMPERSAND = 38

/**
 * The access log of one worker: one JSON object a request, on one line of ASCII. The names of the fields are fixed; one that
 * does not apply is left out. `time` is the end of the exchange.
 */
export class AccessLog {
  private readonly out: { write(line: string): boolean }
  private readonly clock: Clock
  private readonly time = new TimeText()

  /** `out` takes whole lines and may drop them. */
  constructor(out: { write(line: string): boolean }, clock: Clock) {
    this.out = out
    this.clock = clock
  }

  /** `name`: undefined for requests that match no route. */
  route(name: string | undefined, match: AccessLogRoute, head: Pick<ConfigHead, 'generation' | 'gateway'>): RouteLine {
    return {
      match,
      gateway: `","gateway":"${jsonText(head.gateway.name)}","generation":${head.generation},"listener":"`,
      route: name === undefined ? '' : `,"route":"${jsonText(name)}"`,
    }
  }

  /** `status`: what the client got, 499 for a client that had gone; `now`: clock milliseconds. */
  write(ex: Exchange, route: RouteLine, status: number, now: number): void {
    this.out.write(this.who(ex, route) + this.what(ex, route) + this.outcome(ex, status, now))
  }

  /** IDs, trace, addresses and protocol hold no character that JSON escapes. */
  private who(ex: Exchange, route: RouteLine): string {
    const { downstream } = ex
    const { peer } = downstream
    return (
      `{"time":"${this.time.of(this.clock.wall())}","request_id":"${ex.requestId}","correlation_id":"${ex.correlationId}` +
      `","trace_id":"${ex.traceparent.slice(3, 35)}${route.gateway}${jsonText(peer.listener)}` +
      `","protocol":"${downstream.protocol}","client":"${ex.client}","peer":"${peer.address}"`
    )
  }

  private what(ex: Exchange, route: RouteLine): string {
    const { downstream, attempt } = ex
    const { queryKeys, headerNames } = route.match
    let text = ''
    if (downstream.host !== '') text += `,"host":"${jsonText(downstream.host)}"`
    text += `,"method":"${jsonText(downstream.method)}","path":"${jsonText(ex.path === '' ? rawPath(downstream.target) : ex.path)}"`
    if (ex.query !== '') text += `,"query":"${jsonText(maskedQuery(ex.query, queryKeys))}"`
    if (headerNames.length > 0) text += matchedHeaders(ex.headers, headerNames)
    text += route.route
    if (attempt === undefined) return text
    return `${text},"upstream":"${jsonText(attempt.upstream)}","endpoint":"${jsonText(attempt.endpoint)}"`
  }

  private outcome(ex: Exchange, status: number, now: number): string {
    const { downstream, failure, attempt } = ex
    let text = `,"status":${status}`
    if (attempt !== undefined && attempt.status !== 0) text += `,"upstream_status":${attempt.status}`
    if (failure !== undefined) text += failureFields(failure)
    text += `,"attempts":${ex.attempts},"queue_ms":${jsonMs(ex.queuedMs)}`
    if (attempt !== undefined) text += `,"upstream_ms":${jsonMs((attempt.endedAt || now) - attempt.startedAt)}`
    if (ex.firstByteAt !== 0) text += `,"ttfb_ms":${jsonMs(ex.firstByteAt - ex.startedAt)}`
    text += `,"duration_ms":${jsonMs(now - ex.startedAt)},"bytes_in":${downstream.bytesIn},"bytes_out":${downstream.bytesOut}`
    return ex.degraded === undefined ? `${text}}\n` : `${text},"degraded":"${ex.degraded}"}\n`
  }
}

function failureFields(failure: Failure): string {
  return `,"reason":"${failure.reason}","phase":"${failure.phase}","origin":"${failure.origin}"`
}

/** The query with `***` in place of the values of all keys but the shown ones. Keys are compared as sent. */
export function maskedQuery(query: string, shown: ReadonlySet<string>): string {
  let out = '?'
  let start = 1
  for (let i = 1; i <= query.length; i++) {
    if (i < query.length && query.charCodeAt(i) !== AMPERSAND) continue
    const equals = query.indexOf('=', start)
    if (equals === -1 || equals >= i || shown.has(query.slice(start, equals))) out += query.slice(start, i)
    else out += `${query.slice(start, equals)}=***`
    if (i < query.length) out += '&'
    start = i + 1
  }
  return out
}

function matchedHeaders(headers: FlatHeaders, names: readonly string[]): string {
  let out = ''
  for (const name of names) {
    const values = shownValues(headers, name)
    if (values !== '') out += `${out === '' ? '' : ','}"${jsonText(name)}":${values}`
  }
  return out === '' ? '' : `,"matched_headers":{${out}}`
}

/** A text, or a list of them where there are several lines of that name; empty: none. */
function shownValues(headers: FlatHeaders, name: string): string {
  if (fieldValue(headers, name) === undefined) return ''
  if (SECRET_HEADERS.has(name)) return '"***"'
  const values: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const candidate = headers[i] as string
    if (candidate.length === name.length && candidate.toLowerCase() === name)
      values.push(`"${jsonText(headers[i + 1] as string)}"`)
  }
  return values.length === 1 ? (values[0] as string) : `[${values.join(',')}]`
}

/** The path of a target that was refused before it had a normal form. */
export function rawPath(target: string): string {
  const query = target.indexOf('?')
  return query === -1 ? target : target.slice(0, query)
}
