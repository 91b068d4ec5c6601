import type { MatchConfig } from '../../core/config.ts'
import type { FieldNames } from '../../lib/headers.ts'
import { Hosts } from './hosts.ts'
import { compileConditions, compileEntry, type Hit, paramNames } from './match.ts'
import { type LookUp, Search } from './search.ts'

export type { LookUp } from './search.ts'

/** Other readings of the path lead to another route, or to none. */
export interface AmbiguousRoute {
  readonly ambiguous: true
}

/** No route matches, but some would with one of these methods. */
export interface OtherMethods {
  readonly allow: readonly string[]
}

/** undefined: no route. */
export type Found<T> = Hit<T> | OtherMethods | AmbiguousRoute | undefined

/** The part of a route that the table reads. */
export interface RoutableConfig {
  readonly name: string
  readonly match: readonly MatchConfig[]
  readonly precedence: number
}

const AMBIGUOUS: AmbiguousRoute = { ambiguous: true }
const ANY_HOST: readonly undefined[] = [undefined]
const ANY_PATH = { kind: 'segments', source: '/*', segments: [], prefix: true } as const

/**
 * All routes of a snapshot. Which one serves a request is decided by, in this order: precedence (higher first); host
 * (exact, longest wildcard, any); path segment by segment (literal, parameter, `*`, regular expression); method (named,
 * GET for HEAD, any); listener (named, any); number of header and query conditions. The order of the config has no say. A more specific host or
 * path whose method, headers or query don't hold gives way to the next one.
 */
export class RouteTable<T> {
  private readonly search: Search<T>

  constructor(levels: readonly Hosts<T>[], names: FieldNames) {
    this.search = new Search(levels, names)
  }

  /** What all look-ups so far looked at (names of hosts, places, entries): for tests and benchmarks. */
  get steps(): number {
    return this.search.steps
  }

  /**
   * A HEAD request also finds routes that name only GET: it asks for the head of what GET would answer.
   *
   * @param readings other ways to read the path, of which each must lead to the same route
   */
  find(lookUp: LookUp, readings: readonly string[] | undefined): Found<T> {
    const hit = this.search.hit(lookUp, lookUp.path)
    if (hit === undefined) {
      const allow = this.methods(lookUp)
      return allow.length === 0 ? undefined : { allow }
    }
    if (readings !== undefined) {
      for (const reading of readings) if (this.search.hit(lookUp, reading)?.value !== hit.value) return AMBIGUOUS
    }
    return hit
  }

  /** With which methods some route would match, sorted. */
  methods(lookUp: LookUp): readonly string[] {
    return this.search.methods(lookUp)
  }
}

/** Takes routes one by one, so that a worker can pause between them. */
export class RouteTableBuilder<T> {
  private readonly levels = new Map<number, Hosts<T>>()
  private readonly names: FieldNames

  constructor(names: FieldNames) {
    this.names = names
  }

  /** Throws {@link RegexError}. */
  add(route: RoutableConfig, value: T): void {
    const names = paramNames(route.match)
    let level = this.levels.get(route.precedence)
    if (level === undefined) {
      level = new Hosts(route.precedence)
      this.levels.set(route.precedence, level)
    }
    for (const match of route.match) {
      const conditions = compileConditions(match)
      const paths = match.paths.length === 0 ? [ANY_PATH] : match.paths
      const entries = paths.map((path) => compileEntry(route.name, conditions, path, names, value))
      for (const host of match.hosts.length === 0 ? ANY_HOST : match.hosts) {
        for (const [i, entry] of entries.entries()) level.at(host).add(paths[i] as (typeof paths)[number], entry)
      }
    }
  }

  build(): RouteTable<T> {
    return new RouteTable(this.sorted(), this.names)
  }

  /** What a table is made of: the hosts of all precedences, the highest first. */
  sorted(): readonly Hosts<T>[] {
    return [...this.levels.values()].sort((a, b) => b.precedence - a.precedence)
  }
}
