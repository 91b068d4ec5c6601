import type { FieldNames, FlatHeaders } from '../../lib/headers.ts'
import { parseQuery } from '../../lib/query.ts'
import type { Hosts } from './hosts.ts'
import { fieldsHold, type Hit, listenerHolds, methodHolds, type RouteEntry } from './match.ts'
import type { PathNode, Paths } from './paths.ts'

/** The facts by which a route is looked up. */
export interface LookUp {
  /** Lower-case, without port and trailing dot; empty: none was sent. */
  readonly host: string
  /** In normal form. */
  readonly path: string
  /** With the leading `?`, or empty. */
  readonly query: string
  readonly method: string
  readonly headers: FlatHeaders
  /** Its name. */
  readonly listener: string
}

/** The methods reported for a route that names none; it takes all others except TRACE, too. */
export const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/**
 * Walks the tables of all precedences, the most specific place first, and returns to less specific ones where methods,
 * headers or query do not hold. A place lies at one depth, so it is visited at most once per walk: the walk is bounded by
 * the places of the table, not by the number of ways through them.
 */
export class Search<T> {
  protected visited = 0
  private readonly levels: readonly Hosts<T>[]
  private readonly names: FieldNames
  protected lookUp: LookUp = NOTHING
  protected path = ''
  private pairs: readonly string[] | undefined = undefined
  private readonly captured: string[] = []
  /** If set: gathers the methods of everything that matches except for its method, and finds nothing. */
  private allow: Set<string> | undefined = undefined

  constructor(levels: readonly Hosts<T>[], names: FieldNames) {
    this.levels = levels
    this.names = names
  }

  /** All looked at so far: names of hosts, places, entries. */
  get steps(): number {
    return this.levels.reduce((sum, hosts) => sum + hosts.probes, this.visited)
  }

  hit(lookUp: LookUp, path: string): Hit<T> | undefined {
    this.path = path
    this.captured.length = 0
    const entry = this.walk(lookUp)
    return entry === undefined ? undefined : this.hitAt(entry)
  }

  /** The hit that an entry at the current place of the walk stands for. */
  protected hitAt(entry: RouteEntry<T>): Hit<T> {
    const { captured } = this
    const { encodedSlashes, order, value } = entry
    if (order !== undefined) return { value, params: order.map((place) => captured[place] ?? ''), encodedSlashes }
    return captured.length === 0 ? entry : { value, params: captured.slice(), encodedSlashes }
  }

  /** Methods with which a route would match, sorted. */
  methods(lookUp: LookUp): readonly string[] {
    const allow = new Set<string>()
    this.allow = allow
    this.path = lookUp.path
    this.walk(lookUp)
    this.allow = undefined
    if (allow.has('GET')) allow.add('HEAD')
    return [...allow].sort()
  }

  private walk(lookUp: LookUp): RouteEntry<T> | undefined {
    this.lookUp = lookUp
    let entry: RouteEntry<T> | undefined
    for (let i = 0; i < this.levels.length && entry === undefined; i++) {
      entry = (this.levels[i] as Hosts<T>).first(lookUp.host, this.inPaths)
    }
    // No part of a request outlives its look-up.
    this.lookUp = NOTHING
    this.pairs = undefined
    return entry
  }

  private readonly inPaths = (paths: Paths<T>): RouteEntry<T> | undefined =>
    this.below(paths, 1) ?? this.pick(paths.regexes)

  /** `from`: where the next segment starts; beyond the end of the path: there is none. */
  private below(place: PathNode<T>, from: number): RouteEntry<T> | undefined {
    const { path } = this
    const { param } = place
    this.visited++
    if (from > path.length) return this.pick(place.exact) ?? this.pick(place.prefix)
    if (!place.isLast) {
      const slash = path.indexOf('/', from)
      const end = slash === -1 ? path.length : slash
      const segment = path.slice(from, end)
      const literal = place.literal(segment)
      const found = literal === undefined ? undefined : this.below(literal, end + 1)
      if (found !== undefined) return found
      if (param !== undefined && end > from) {
        this.captured.push(segment)
        const entry = this.below(param, end + 1)
        if (entry !== undefined) return entry
        this.captured.pop()
      }
    }
    return this.pick(place.prefix)
  }

  private pick(entries: readonly RouteEntry<T>[]): RouteEntry<T> | undefined {
    if (entries.length > 1 && this.lookUp.method === 'HEAD') {
      // Naming HEAD is more specific than naming GET, but only for HEAD: their order cannot be fixed beforehand.
      for (const entry of entries) {
        if (entry.conditions.methods?.includes('HEAD') && this.accepts(entry)) return entry
      }
    }
    for (const entry of entries) if (this.accepts(entry)) return entry
    return undefined
  }

  /** Whether an entry at a place that the path leads to takes the request. */
  protected accepts(entry: RouteEntry<T>): boolean {
    const { lookUp, allow } = this
    const { conditions, regex } = entry
    this.visited++
    if (!listenerHolds(conditions, lookUp.listener)) return false
    if (allow === undefined && !methodHolds(conditions, lookUp.method)) return false
    if (!fieldsHold(conditions, lookUp.headers, this.names, this.queryPairs)) return false
    if (regex !== undefined && !regex.test(this.path)) return false
    if (allow === undefined) return true
    for (const method of conditions.methods ?? METHODS) allow.add(method)
    return false
  }

  private readonly queryPairs = (): readonly string[] => {
    this.pairs ??= parseQuery(this.lookUp.query)
    return this.pairs
  }
}

const NOTHING: LookUp = { host: '', path: '', query: '', method: '', headers: [], listener: '' }
