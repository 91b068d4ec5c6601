import type { ValueCondition } from '../../../core/config.ts'
import type { LookUp } from '../../../data/routing/search.ts'
import { type RouteTable, RouteTableBuilder } from '../../../data/routing/table.ts'
import { FieldNames } from '../../../lib/headers.ts'
import type { LintRoute } from '../contract.ts'
import type { MatchClaim } from './claims.ts'
import { samplePaths, sampleText } from './samples.ts'

/** Different words, so that one may differ from the paths of other routes. */
const WORDS = ['x', 'any', '7']

/** The gateway's own table of these routes; it finds their names. */
export function tableOf(routes: readonly LintRoute[]): RouteTable<string> {
  const builder = new RouteTableBuilder<string>(new FieldNames())
  for (const { name, options } of routes) builder.add({ name, ...options }, name)
  return builder.build()
}

/** The route that a request goes to; undefined: none. */
export function winner(table: RouteTable<string>, request: LookUp): string | undefined {
  const found = table.find(request, undefined)
  return found !== undefined && 'value' in found ? found.value : undefined
}

/** Requests that probably match a claim: the table decides. */
export function* requestsFor(claim: MatchClaim): Generator<LookUp> {
  const { conditions, path } = claim
  const headers = fieldsFor(conditions.headers)
  const query = fieldsFor(conditions.query)
  if (headers === undefined || query === undefined) return
  for (const target of pathsFor(path)) {
    yield {
      host: hostFor(claim),
      path: target,
      query: queryText(query),
      method: conditions.methods[0] ?? 'GET',
      headers,
      listener: conditions.listeners[0] ?? '',
    }
  }
}

/** Requests that may match two claims with regular expressions. */
export function* requestsForBoth(a: MatchClaim, b: MatchClaim): Generator<LookUp> {
  if (a.path.kind !== 'regex' || b.path.kind !== 'regex') return
  const method = a.conditions.methods.find((name) => b.conditions.methods.includes(name)) ?? a.conditions.methods[0]
  const listener =
    a.conditions.listeners.find((name) => b.conditions.listeners.includes(name)) ?? a.conditions.listeners[0] ?? ''
  const headers = fieldsFor([...a.conditions.headers, ...b.conditions.headers])
  const query = fieldsFor([...a.conditions.query, ...b.conditions.query])
  if (headers === undefined || query === undefined) return
  const rest = { host: hostFor(a), query: queryText(query), method: method ?? 'GET', headers, listener }
  for (const path of samplePaths(a.path.source, b.path.source)) yield { ...rest, path }
}

function hostFor({ host }: MatchClaim): string {
  return host?.replace('*', 'any') ?? 'any.invalid'
}

function* pathsFor(path: MatchClaim['path']): Generator<string> {
  if (path.kind === 'regex') {
    yield* samplePaths(path.source)
    return
  }
  for (const word of WORDS) {
    const segments = path.segments.map((segment) => ('param' in segment ? word : segment.literal))
    yield `/${[...segments, ...(path.prefix ? [word] : [])].join('/')}`
  }
}

/** Names and values in turn; undefined if no value was found. */
function fieldsFor(conditions: readonly ValueCondition[]): readonly string[] | undefined {
  const fields: string[] = []
  for (const { name, op, value } of conditions) {
    if (op === 'absent') continue
    const text = op === 'present' ? 'x' : op === 'regex' ? sampleText(value) : value
    if (text === undefined) return undefined
    fields.push(name, Buffer.from(text, 'utf8').toString('latin1'))
  }
  return fields
}

function queryText(pairs: readonly string[]): string {
  const encode = (text: string): string => encodeURIComponent(Buffer.from(text, 'latin1').toString('utf8'))
  const parts: string[] = []
  for (let i = 0; i < pairs.length; i += 2)
    parts.push(`${encode(pairs[i] as string)}=${encode(pairs[i + 1] as string)}`)
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}

/** As `sluice explain` takes it. */
export function requestText({ method, host, path, query, headers }: LookUp): string {
  const shown = headers.map((bytes) => Buffer.from(bytes, 'latin1').toString('utf8'))
  const fields: string[] = []
  for (let i = 0; i < shown.length; i += 2) fields.push(` -H '${shown[i]}: ${shown[i + 1]}'`)
  return `${method} http://${host}${path}${query}${fields.join('')}`
}
