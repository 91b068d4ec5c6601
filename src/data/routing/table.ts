import { type Reading, readingText } from '../../core/reading.ts'
import type { FieldNames } from '../../lib/headers.ts'
import { Hosts } from './hosts.ts'
import { compileConditions, compileEntry, type Hit, paramNames, type RoutableConfig } from './match.ts'
import { countingReadings } from './readings.ts'
import { type LookUp, Search } from './search.ts'

/** Another reading of the path leads elsewhere. */
export interface AmbiguousRoute {
  /** Says how, for the client. */
  readonly ambiguous: string
}

/** No route matches, but some would with one of these methods. */
export interface OtherMethods {
  readonly allow: readonly string[]
}

/** undefined: no route. */
export type Found<T> = Hit<T> | OtherMethods | AmbiguousRoute | undefined

const ANY_HOST: readonly undefined[] = [undefined]
const ANY_PATH = { kind: 'segments', source: '/*', segments: [], prefix: true } as const

/**
 * All routes of a snapshot. Which one serves a request is decided by, in this order: precedence (higher first); host
 * (exact, longest wildcard, any); path segment by segment (literal, parameter, `*`, regular expression); method (named, GET
 * for HEAD, any); listener (named, any); number of header and query conditions. The order of the config does not matter. A
 * more specific host or path whose method, headers or query do not hold gives way to the next one.
 */
export class RouteTable<T> {
  private readonly search: Search<T>

  constructor(levels: readonly Hosts<T>[], names: FieldNames) {
    this.search = new Search(levels, names)
  }

  /** All that look-ups so far looked at (names of hosts, places, entries): for tests and benchmarks. */
  get steps(): number {
    return this.search.steps
  }

  /**
   * A HEAD request also finds routes that name only GET: it asks for the head of what GET would answer.
   *
   * @param readings other ways to read the path; each that counts on the route must lead there, with the same parameters
   */
  find(lookUp: LookUp, readings: readonly Reading[] | undefined): Found<T> {
    const hit = this.search.hit(lookUp, lookUp.path)
    if (hit === undefined) {
      const allow = this.methods(lookUp)
      return allow.length === 0 ? undefined : { allow }
    }
    const ambiguous = readings === undefined ? undefined : this.ambiguity(lookUp, readings, hit)
    return ambiguous === undefined ? hit : { ambiguous }
  }

  /** Whether another path would lead to the same route. */
  leadsTo(lookUp: LookUp, path: string, { value }: Hit<T>): boolean {
    return this.search.hit(lookUp, path)?.value === value
  }

  private ambiguity(lookUp: LookUp, readings: readonly Reading[], hit: Hit<T>): string | undefined {
    const { encodedSlashes } = hit
    if (encodedSlashes === 'refuse' && lookUp.path.includes('%2F')) return ENCODED_SLASH
    for (const reading of countingReadings(readings, encodedSlashes) ?? NO_READINGS) {
      const other = this.search.hit(lookUp, reading.path)
      if (other?.value !== hit.value) return `Read ${readingText(reading)}, the path has another route or none.`
      if (!isSame(other.params, hit.params)) return `Read ${readingText(reading)}, the path has other parameters.`
    }
    return undefined
  }

  /** With which methods some route would match, sorted. */
  methods(lookUp: LookUp): readonly string[] {
    return this.search.methods(lookUp)
  }
}

function isSame(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.every((value, i) => value === b[i]))
}

const ENCODED_SLASH = 'The path holds an escaped slash (%2F), which is not accepted here.'
const NO_READINGS: readonly Reading[] = []

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
      const entries = paths.map((path) => compileEntry(route, conditions, path, names, value))
      for (const host of match.hosts.length === 0 ? ANY_HOST : match.hosts) {
        for (const [i, entry] of entries.entries()) level.at(host).add(paths[i] as (typeof paths)[number], entry)
      }
    }
  }

  build(): RouteTable<T> {
    return new RouteTable(this.sorted(), this.names)
  }

  /** The hosts of all precedences, the highest first. */
  sorted(): readonly Hosts<T>[] {
    return [...this.levels.values()].sort((a, b) => b.precedence - a.precedence)
  }
}
