import type { MatchConfig, RouteConfig } from '../../core/config.ts'
import type { LookUp } from '../../data/routing/search.ts'
import { fieldValue } from '../../lib/headers.ts'
import { parseQuery } from '../../lib/query.ts'
import type { Node, Position } from '../../schema/node.ts'
import { conditionText, seenText } from './condition-text.ts'
import { outranks } from './outranks.ts'
import { conditionPlace } from './places.ts'
import type { Probes } from './probes.ts'
import { byProgress, Course, type MatchProgress, type MatchStage, STAGES } from './progress.ts'

/** A route that did not get the request, and the first of its conditions that failed. */
export interface NearMiss {
  readonly route: string
  /** `outranked`: all conditions hold, and the winner is more specific. */
  readonly failed: MatchStage
  readonly wanted: string
  readonly seen: string
  readonly at: Position
}

/** What misses are told with. `most`: how many. */
export interface MissContext {
  readonly lookUp: LookUp
  readonly winner: RouteConfig | undefined
  readonly probes: Probes
  readonly tree: Node
  /** Values of conditions that must not be shown. */
  readonly hidden: ReadonlySet<string>
  readonly most: number
}

/** A route with the match that gets furthest. */
interface Runner extends MatchProgress {
  readonly route: RouteConfig
  readonly match: number
}

/** The routes that match most of the request without getting it, the nearest first. */
export function nearMisses(routes: readonly RouteConfig[], context: MissContext): readonly NearMiss[] {
  const course = new Course(context.lookUp, context.probes)
  return routes
    .filter((route) => route !== context.winner)
    .map((route) => nearest(route, course))
    .toSorted((a, b) => byProgress(a, b) || b.route.precedence - a.route.precedence)
    .slice(0, context.most)
    .map((runner) => missOf(runner, context))
}

function nearest(route: RouteConfig, course: Course): Runner {
  const each = route.match.map((match, i) => ({ ...course.progress(match), route, match: i }))
  return (each.length === 1 ? each[0] : each.toSorted(byProgress)[0]) as Runner
}

function missOf(runner: Runner, context: MissContext): NearMiss {
  const { condition, match, route } = runner
  const stage = STAGES[runner.stage] as MatchStage
  // Without a winner all of it holds for one reading of the path, and not for the others.
  const failed = stage === 'outranked' && context.winner === undefined ? 'path' : stage
  const at = conditionPlace(context.tree, route.name, match, failed, condition?.name ?? '')
  return { route: route.name, failed, ...texts(failed, runner, route.match[match] as MatchConfig, context), at }
}

function texts(
  failed: MatchStage,
  { condition, route, stage }: Runner,
  match: MatchConfig,
  { hidden, lookUp, probes, winner }: MissContext,
): Pick<NearMiss, 'wanted' | 'seen'> {
  switch (failed) {
    case 'host':
      return { wanted: match.hosts.join(' or '), seen: lookUp.host }
    case 'path':
      if (stage === STAGES.length - 1) return { wanted: 'a path with one reading', seen: lookUp.path }
      return { wanted: match.paths.map(({ source }) => source).join(' or '), seen: lookUp.path }
    case 'listener':
      return { wanted: match.listeners.join(' or '), seen: lookUp.listener }
    case 'method':
      return { wanted: match.methods.join(' or ') || 'methods that name it', seen: lookUp.method }
    case 'outranked':
      return outranks(winner as RouteConfig, route, match, lookUp, probes)
    default: {
      if (condition === undefined) throw new Error(`${failed} failed without a condition`)
      const { name } = condition
      const value = failed === 'header' ? fieldValue(lookUp.headers, name) : queryValue(lookUp.query, name)
      return { wanted: conditionText(condition, hidden), seen: seenText(name, value) }
    }
  }
}

function queryValue(query: string, name: string): string | undefined {
  const pairs = parseQuery(query)
  const place = pairs.findIndex((key, i) => i % 2 === 0 && key === name)
  return place === -1 ? undefined : pairs[place + 1]
}
