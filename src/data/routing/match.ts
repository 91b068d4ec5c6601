import type { MatchConfig, PathPattern } from '../../core/config.ts'
import type { EncodedSlashes } from '../../core/path-policy.ts'
import type { FieldNames, FlatHeaders } from '../../lib/headers.ts'
import { LinearRegex } from '../../lib/regex.ts'
import { compilePredicate, headersHold, type Predicate, queryHolds } from './predicates.ts'

/**
 * A route that was found. `params`: values of its parameters in the order of {@link paramNames}; undefined if it has none.
 */
export interface Hit<T> {
  readonly value: T
  readonly params: readonly string[] | undefined
  readonly encodedSlashes: EncodedSlashes
}

/** The part of a route that the table reads. */
export interface RoutableConfig {
  readonly name: string
  readonly match: readonly MatchConfig[]
  readonly precedence: number
  readonly encodedSlashes: EncodedSlashes
}

/** What a route requires of a request beyond host and path. */
export interface Conditions {
  /** undefined: any. */
  readonly listeners: readonly string[] | undefined
  /** undefined: any. */
  readonly methods: readonly string[] | undefined
  readonly headers: readonly Predicate[]
  readonly query: readonly Predicate[]
}

/** One way to reach a route: one path of one of its matches; and the hit there, where it has no parameters. */
export interface RouteEntry<T> extends Hit<T> {
  readonly route: string
  readonly conditions: Conditions
  /** Only of paths that are regular expressions. */
  readonly regex: LinearRegex | undefined
  /** Place of each of the route's parameters among those of this path, -1 where it lacks it; undefined: the same. */
  readonly order: readonly number[] | undefined
}

/** Names of a route's parameters, in the order of their first appearance in its paths. */
export function paramNames(match: readonly MatchConfig[]): readonly string[] {
  return [...new Set(match.flatMap(({ paths }) => paths.flatMap(paramsOf)))]
}

/** Most routes require nothing more; one object for all of them stays in the cache. */
const ANY: Conditions = { listeners: undefined, methods: undefined, headers: [], query: [] }

/** Throws {@link RegexError}. */
export function compileConditions(match: MatchConfig): Conditions {
  const { headers, listeners, methods, query } = match
  if (headers.length + listeners.length + methods.length + query.length === 0) return ANY
  return {
    listeners: listeners.length === 0 ? undefined : listeners,
    methods: methods.length === 0 ? undefined : methods,
    headers: headers.map(compilePredicate),
    query: query.map(compilePredicate),
  }
}

/** Throws {@link RegexError}. `names`: {@link paramNames} of the route. */
export function compileEntry<T>(
  { name: route, encodedSlashes }: RoutableConfig,
  conditions: Conditions,
  path: PathPattern,
  names: readonly string[],
  value: T,
): RouteEntry<T> {
  const own = paramsOf(path)
  const order = names.map((name) => own.indexOf(name))
  const isSame = order.length === own.length && order.every((place, index) => place === index)
  return {
    route,
    conditions,
    regex: path.kind === 'regex' ? new LinearRegex(path.source) : undefined,
    order: isSame ? undefined : order,
    value,
    params: undefined,
    encodedSlashes,
  }
}

/**
 * The more specific first: named methods before any, then listeners, then the number of conditions; the name makes the
 * order total.
 */
export function compareEntries<T>(a: RouteEntry<T>, b: RouteEntry<T>): number {
  const method = Number(a.conditions.methods === undefined) - Number(b.conditions.methods === undefined)
  if (method !== 0) return method
  const listener = Number(a.conditions.listeners === undefined) - Number(b.conditions.listeners === undefined)
  if (listener !== 0) return listener
  const conditions = countOf(b.conditions) - countOf(a.conditions)
  if (conditions !== 0 || a.route === b.route) return conditions
  return a.route < b.route ? -1 : 1
}

/** HEAD also matches what names only GET. TRACE reflects credentials (RFC 9110, section 9.3.8): it has to be named. */
export function methodHolds(conditions: Conditions, method: string): boolean {
  const { methods } = conditions
  if (methods === undefined) return method !== 'TRACE'
  return methods.includes(method) || (method === 'HEAD' && methods.includes('GET'))
}

export function listenerHolds({ listeners }: Conditions, listener: string): boolean {
  return listeners === undefined || listeners.includes(listener)
}

export function fieldsHold(
  { headers, query }: Conditions,
  sent: FlatHeaders,
  names: FieldNames,
  pairs: () => readonly string[],
): boolean {
  return (
    (headers.length === 0 || headersHold(headers, sent, names)) && (query.length === 0 || queryHolds(query, pairs()))
  )
}

function countOf({ headers, query }: Conditions): number {
  return headers.length + query.length
}

function paramsOf(path: PathPattern): string[] {
  return path.kind === 'regex' ? [] : path.segments.flatMap((segment) => ('param' in segment ? [segment.param] : []))
}
