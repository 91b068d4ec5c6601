import type { LeanConfig, RouteConfig } from '../core/config.ts'
import { isRefusedTarget, normaliseTarget } from '../data/routing/target.ts'
import type { Evidence, Unknown } from './evidence.ts'
import { conclude, type Possible, PossibleRoutes } from './possible.ts'
import type { Recorded } from './recorded.ts'

/** What becomes of a recorded request: a route, or none; or what the line would have to tell to know it. */
export type Outcome = { readonly route: RouteConfig | undefined } | { readonly lacks: Unknown }

/** Decides over recorded requests as a gateway with a certain config would, as far as a line tells. */
export class Future {
  readonly routes: ReadonlyMap<string, RouteConfig>
  private readonly table: PossibleRoutes
  private readonly dots: 'refuse' | 'normalise'

  constructor({ pathPolicy, routes }: LeanConfig) {
    this.routes = new Map(routes.map((route) => [route.name, route]))
    this.table = PossibleRoutes.of(routes)
    this.dots = pathPolicy.dots
  }

  of(recorded: Recorded, evidence: Evidence): Outcome {
    const { path, query } = recorded
    const target = normaliseTarget(path + query, this.dots)
    if (isRefusedTarget(target) || target.path === '*') return NONE
    const outcome = decided(this.find(recorded, target.path, target.path, evidence))
    if (target.readings === undefined || 'lacks' in outcome || outcome.route === undefined) return outcome
    for (const reading of target.readings) {
      const other = decided(this.find(recorded, target.path, reading, evidence))
      if ('lacks' in other) return other
      if (other.route !== outcome.route) return NONE
    }
    return outcome
  }

  /** The config that wrote the line: what its choice tells is added to the evidence. */
  conclude(recorded: Recorded, evidence: Evidence): void {
    const target = normaliseTarget(recorded.path + recorded.query, this.dots)
    if (isRefusedTarget(target) || target.readings !== undefined) return
    conclude(this.find(recorded, target.path, target.path, evidence), recorded.route, evidence)
  }

  private find({ host, method, query }: Recorded, path: string, reading: string, evidence: Evidence): Possible {
    return this.table.find({ host, path, query, method, headers: NO_HEADERS }, reading, evidence)
  }
}

const NONE: Outcome = { route: undefined }
const NO_HEADERS: readonly string[] = []

function decided({ candidates, certain }: Possible): Outcome {
  const other = candidates.find(({ route }) => route !== certain)
  // Several ways to one route are one outcome, but only if one of them is certain.
  return other === undefined ? { route: certain } : { lacks: other.unknown[0] as Unknown }
}
