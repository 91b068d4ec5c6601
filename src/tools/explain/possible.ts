import type { RouteConfig } from '../../core/config.ts'
import { listenerHolds, methodHolds, type RouteEntry } from '../../data/routing/match.ts'
import { type LookUp, Search } from '../../data/routing/search.ts'
import { RouteTableBuilder } from '../../data/routing/table.ts'
import { FieldNames } from '../../lib/headers.ts'
import type { ConditionPlace, Evidence, Unknown } from './evidence.ts'

/** A route that gets the request if all of `unknown` hold, and none before it does. */
export interface PossibleRoute {
  readonly route: RouteConfig
  readonly unknown: readonly Unknown[]
  readonly params: readonly string[]
}

/** The routes that may get a request, the first one first. */
export interface Possible {
  readonly candidates: readonly PossibleRoute[]
  /** The route that gets it where no candidate does; undefined: none. */
  readonly certain: RouteConfig | undefined
  /** Of the certain one. */
  readonly params: readonly string[]
}

/** The gateway's own walk of the route table, with conditions that may be neither true nor false. */
export class PossibleRoutes extends Search<RouteConfig> {
  private evidence: Evidence | undefined = undefined
  private candidates: PossibleRoute[] = []

  static of(routes: readonly RouteConfig[]): PossibleRoutes {
    const names = new FieldNames()
    const builder = new RouteTableBuilder<RouteConfig>(names)
    for (const route of routes) builder.add(route, route)
    return new PossibleRoutes(builder.sorted(), names)
  }

  /** `path`: a reading of the path of `lookUp`, whose headers and query are told by the evidence alone. */
  find(lookUp: LookUp, path: string, evidence: Evidence): Possible {
    this.evidence = evidence
    this.candidates = []
    const hit = this.hit(lookUp, path)
    return { candidates: this.candidates, certain: hit?.value, params: hit?.params ?? [] }
  }

  protected override accepts(entry: RouteEntry<RouteConfig>): boolean {
    const { conditions, regex, value } = entry
    if (!listenerHolds(conditions, this.lookUp.listener) || !methodHolds(conditions, this.lookUp.method)) return false
    if (regex !== undefined && !regex.test(this.path)) return false
    const unknown: Unknown[] = []
    for (const predicate of conditions.headers) if (!this.mayHold('header', { predicate }, unknown)) return false
    for (const predicate of conditions.query) if (!this.mayHold('query', { predicate }, unknown)) return false
    if (unknown.length === 0) return true
    this.candidates.push({ route: value, unknown, params: this.hitAt(entry).params ?? [] })
    return false
  }

  private mayHold(place: ConditionPlace, { predicate }: Pick<Unknown, 'predicate'>, unknown: Unknown[]): boolean {
    const one = { place, predicate }
    const holds = this.evidence?.truth(one)
    if (holds === undefined) unknown.push(one)
    return holds !== false
  }
}

/** What a recorded outcome tells about conditions that the line itself does not: the routes before it did not match. */
export function conclude({ candidates, certain }: Possible, recorded: string | undefined, evidence: Evidence): void {
  const first = candidates.findIndex(({ route }) => route.name === recorded)
  if (first === -1 && certain?.name !== recorded) return
  const passed = first === -1 ? candidates : candidates.slice(0, first)
  for (const { unknown } of passed) if (unknown.length === 1) evidence.learn(unknown[0] as Unknown, false)
  const ways = candidates.filter(({ route }) => route.name === recorded)
  if (ways.length === 1 && certain?.name !== recorded)
    for (const one of ways[0]?.unknown ?? []) evidence.learn(one, true)
}
