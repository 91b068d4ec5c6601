import type { LeanConfig, RouteConfig } from '../../core/config.ts'
import type { PathPoliciesConfig } from '../../core/path-policy.ts'
import { countingReadings } from '../../data/routing/readings.ts'
import { isRefusedTarget, normaliseTarget } from '../../data/routing/target.ts'
import type { Evidence, Unknown } from './evidence.ts'
import { conclude, type Possible, PossibleRoutes } from './possible.ts'
import type { Recorded } from './recorded.ts'

/** What becomes of a recorded request: a route, or none; or the fact that the line lacks to decide it. */
export type ReplayOutcome = { readonly route: RouteConfig | undefined } | { readonly lacks: Unknown }

/** Decides about recorded requests as a gateway with a certain config would, as far as a line tells. */
export class Future {
  readonly routes: ReadonlyMap<string, RouteConfig>
  private readonly table: PossibleRoutes
  private readonly pathPolicy: PathPoliciesConfig

  constructor({ pathPolicy, routes }: LeanConfig) {
    this.routes = new Map(routes.map((route) => [route.name, route]))
    this.table = PossibleRoutes.of(routes)
    this.pathPolicy = pathPolicy
  }

  of(recorded: Recorded, evidence: Evidence): ReplayOutcome {
    const { path, query } = recorded
    const target = normaliseTarget(path + query, this.pathPolicy, recorded.listener)
    if (isRefusedTarget(target) || target.path === '*') return NONE
    const found = this.find(recorded, target.path, target.path, evidence)
    const outcome = decided(found, target.readings !== undefined)
    if (target.readings === undefined || 'lacks' in outcome || outcome.route === undefined) return outcome
    const { encodedSlashes } = outcome.route
    if (encodedSlashes === 'refuse' && target.path.includes('%2F')) return NONE
    for (const reading of countingReadings(target.readings, encodedSlashes) ?? []) {
      const possible = this.find(recorded, target.path, reading.path, evidence)
      const other = decided(possible, true)
      if ('lacks' in other) return other
      if (other.route !== outcome.route || possible.params.join('/') !== found.params.join('/')) return NONE
    }
    return outcome
  }

  /** The config that wrote the line: what its choice tells is added to the evidence. */
  conclude(recorded: Recorded, evidence: Evidence): void {
    const target = normaliseTarget(recorded.path + recorded.query, this.pathPolicy, recorded.listener)
    if (isRefusedTarget(target) || target.readings !== undefined) return
    conclude(this.find(recorded, target.path, target.path, evidence), recorded.route, evidence)
  }

  private find(
    { host, listener, method, query }: Recorded,
    path: string,
    reading: string,
    evidence: Evidence,
  ): Possible {
    return this.table.find({ host, path, query, method, headers: NO_HEADERS, listener }, reading, evidence)
  }
}

const NONE: ReplayOutcome = { route: undefined }
const NO_HEADERS: readonly string[] = []

/** `byParams`: ways to one route with other parameters are other outcomes. */
function decided({ candidates, certain, params }: Possible, byParams: boolean): ReplayOutcome {
  const own = params.join('/')
  const other = candidates.find((way) => way.route !== certain || (byParams && way.params.join('/') !== own))
  // Several ways to one route are one outcome, but only if one of them is certain.
  return other === undefined ? { route: certain } : { lacks: other.unknown[0] as Unknown }
}
