import type { MatchConfig, PathPattern, RouteConfig, ValueCondition } from '../core/config.ts'
import { methodHolds } from '../data/routing/match.ts'
import type { LookUp } from '../data/routing/table.ts'
import { fieldValue } from '../lib/headers.ts'
import { parseQuery } from '../lib/query.ts'
import type { Node, Position } from '../schema/node.ts'
import { outranks } from './outranks.ts'
import { conditionPlace } from './places.ts'
import type { Probes } from './probes.ts'
import { HIDDEN, isSecretName } from './secrets.ts'

/** A route that did not get the request, and the first of its conditions that failed. */
export interface NearMiss {
  readonly route: string
  /** In the order in which conditions are looked at; `outranked`: all hold, and the winner is more specific. */
  readonly failed: 'host' | 'path' | 'method' | 'header' | 'query' | 'outranked'
  readonly wanted: string
  readonly seen: string
  readonly at: Position
}

const ORDER = ['host', 'path', 'method', 'header', 'query', 'outranked'] as const

interface Failed {
  readonly failed: NearMiss['failed']
  readonly wanted: string
  readonly seen: string
  /** Place of the condition among its kind, and its name. */
  readonly name: string
  /** How much of it held. */
  readonly closeness: number
}

/** The routes that match most of the request without getting it, the nearest first, at most `most`. */
export function nearMisses(
  routes: readonly RouteConfig[],
  winner: RouteConfig | undefined,
  lookUp: LookUp,
  { probes, tree, most }: { readonly probes: Probes; readonly tree: Node; readonly most: number },
): readonly NearMiss[] {
  const found = routes
    .filter((route) => route !== winner)
    .map((route) => ({ route, ...nearest(route, winner, lookUp, probes) }))
    .toSorted(
      (a, b) =>
        ORDER.indexOf(b.failed) - ORDER.indexOf(a.failed) ||
        b.closeness - a.closeness ||
        b.route.precedence - a.route.precedence,
    )
  return found.slice(0, most).map(({ route, failed, wanted, seen, match, name }) => ({
    route: route.name,
    failed,
    wanted,
    seen,
    at: conditionPlace(tree, route.name, match, failed, name),
  }))
}

/** Of the route's matches the one that gets furthest. */
function nearest(
  route: RouteConfig,
  winner: RouteConfig | undefined,
  lookUp: LookUp,
  probes: Probes,
): Failed & { readonly match: number } {
  const each = route.match.map((match, i) => ({
    ...(failedCondition(match, lookUp, probes) ?? outranked(route, match, winner, lookUp, probes)),
    match: i,
  }))
  const further = (a: Failed, b: Failed): number =>
    ORDER.indexOf(b.failed) - ORDER.indexOf(a.failed) || b.closeness - a.closeness
  return each.toSorted(further)[0] as Failed & { readonly match: number }
}

function failedCondition(match: MatchConfig, lookUp: LookUp, probes: Probes): Failed | undefined {
  const { hosts, paths, methods, headers, query } = match
  const failed = (kind: Failed['failed'], wanted: string, seen: string, name = '', closeness = 0): Failed => ({
    failed: kind,
    wanted,
    seen,
    name,
    closeness,
  })
  if (hosts.length > 0 && !hosts.some((host) => probes.host(host, lookUp)))
    return failed('host', hosts.join(' or '), lookUp.host, '', pathHolds(paths, lookUp, probes) ? 1 : 0)
  if (!pathHolds(paths, lookUp, probes)) {
    const closeness = Math.max(...paths.map((path) => sharedSegments(path, lookUp.path)))
    return failed('path', paths.map(({ source }) => source).join(' or '), lookUp.path, '', closeness)
  }
  const conditions = { methods: methods.length === 0 ? undefined : methods, headers: [], query: [] }
  if (!methodHolds(conditions, lookUp.method)) return failed('method', methods.join(' or '), lookUp.method)
  for (const [i, condition] of headers.entries()) {
    if (probes.header(condition, lookUp)) continue
    return failed(
      'header',
      conditionText(condition),
      seenText(condition.name, fieldValue(lookUp.headers, condition.name)),
      condition.name,
      i,
    )
  }
  for (const [i, condition] of query.entries()) {
    if (probes.query(condition, lookUp)) continue
    return failed(
      'query',
      conditionText(condition),
      seenText(condition.name, queryValue(lookUp.query, condition.name)),
      condition.name,
      i,
    )
  }
  return undefined
}

function queryValue(query: string, name: string): string | undefined {
  const pairs = parseQuery(query)
  const place = pairs.findIndex((key, i) => i % 2 === 0 && key === name)
  return place === -1 ? undefined : pairs[place + 1]
}

function outranked(
  route: RouteConfig,
  match: MatchConfig,
  winner: RouteConfig | undefined,
  lookUp: LookUp,
  probes: Probes,
): Failed {
  const why = winner === undefined ? { wanted: '', seen: '' } : outranks(winner, route, match, lookUp, probes)
  return { failed: 'outranked', ...why, name: '', closeness: 0 }
}

function pathHolds(paths: readonly PathPattern[], lookUp: LookUp, probes: Probes): boolean {
  return paths.length === 0 || paths.some((path) => probes.path(path, lookUp))
}

/** Segments that pattern and path have in common from the start, so that a slip in the last one is nearer than any other path. */
function sharedSegments(pattern: PathPattern, path: string): number {
  if (pattern.kind === 'regex') return 0
  const segments = path.split('/').slice(1)
  const differs = pattern.segments.findIndex((one, i) => 'literal' in one && one.literal !== segments[i])
  return differs === -1 ? pattern.segments.length : differs
}

/** A condition as one would say it; secrets are hidden. */
export function conditionText({ name, op, value }: ValueCondition): string {
  if (op === 'present' || op === 'absent') return `${name} ${op}`
  return `${name} ${op} ${isSecretName(name) ? HIDDEN : JSON.stringify(value)}`
}

function seenText(name: string, value: string | undefined): string {
  if (value === undefined) return `no ${name}`
  return isSecretName(name) ? HIDDEN : JSON.stringify(value)
}
