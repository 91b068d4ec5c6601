import type { CellSpace } from '../../cells/space.ts'
import type { RouteConfig } from '../../core/config.ts'
import type { Decision } from '../../core/decision.ts'
import type { AnyFeature, FeatureContext, PureContext, Use } from '../../core/feature.ts'
import type { MetricSink } from '../../core/metric.ts'
import type { Policy } from '../../core/policy.ts'
import type { LeanRoute } from '../../core/protocol.ts'
import type { StateSlot, StateSlots } from '../../core/state-slot.ts'
import { routeUse } from '../../core/use.ts'
import { paramNames } from '../routing/match.ts'

/** What features get from their worker, wherever they are used. */
export interface FeatureDeps
  extends Pick<FeatureContext, 'clock' | 'timers' | 'random' | 'services' | 'mail' | 'relief' | 'report'> {
  readonly space: CellSpace
  readonly metrics: MetricSink
  readonly exchangeSlots: StateSlots
  readonly attemptSlots: StateSlots
  /** Of the worker, over all generations. */
  readonly keep: <T>(name: string, make: () => T) => T
}

/** What a use of a feature is compiled from. */
interface Made {
  readonly use: Use
  readonly cells: unknown
  readonly paramNames: readonly string[]
}

/** A compiled use of a feature; the next generation uses it again if it would be made from the same. */
export interface CompiledUse {
  readonly made: Made
  /** By place. */
  readonly policies: Readonly<Record<string, Policy>>
}

const NO_POLICIES: CompiledUse['policies'] = Object.freeze({})

/** Where a policy of a feature acts. */
interface FeaturePlace {
  readonly feature: string
  readonly place: string
}

/** The features that routes may have, and in which order their policies act. */
export class RouteFeatures {
  private readonly features: readonly AnyFeature[]
  private readonly order: readonly FeaturePlace[]
  private readonly known: ReadonlySet<string>

  constructor(features: readonly AnyFeature[]) {
    this.features = features.filter(({ keys }) => keys.route !== undefined)
    this.known = new Set(this.features.map(({ name }) => name))
    this.order = this.features
      .flatMap(({ name, places }) =>
        Object.entries(places).map(([place, { stage }]) => ({ feature: name, place, stage })),
      )
      .sort((a, b) => a.stage - b.stage)
  }

  /** Throws for options of an unknown feature. `before`: the same route of the generation before. */
  compile(
    route: LeanRoute,
    before: ReadonlyMap<string, CompiledUse> | undefined,
    deps: FeatureDeps,
  ): ReadonlyMap<string, CompiledUse> {
    const unknown = Object.keys(route.features).find((name) => !this.known.has(name))
    if (unknown !== undefined) throw new Error(`no such feature: ${unknown}`)
    const compiled = new Map<string, CompiledUse>()
    for (const feature of this.features) {
      const { name } = feature
      if (!Object.hasOwn(route.features, name)) continue
      const use = routeUse(route.features[name], route)
      const made = { use, cells: route.cells.features[name], paramNames: paramNames(route.match) }
      const same = before?.get(name)
      if (same !== undefined && JSON.stringify(same.made) === JSON.stringify(made)) compiled.set(name, same)
      else {
        const policies = feature.compile(use.options, contextOf(feature, made, deps)) ?? NO_POLICIES
        compiled.set(name, { made, policies })
      }
    }
    return compiled
  }

  /** The policies that depend on the request alone, in the order in which they act. */
  compilePure(
    route: Pick<RouteConfig, 'name' | 'match' | 'features' | 'to' | 'failover'>,
    services: PureContext['services'],
  ): readonly Policy[] {
    const compiled = new Map<string, CompiledUse>()
    for (const feature of this.features) {
      if (feature.pure !== true || !Object.hasOwn(route.features, feature.name)) continue
      const use = routeUse(route.features[feature.name], route)
      const made = { use, cells: undefined, paramNames: paramNames(route.match) }
      const context: PureContext = { feature: feature.name, use, paramNames: made.paramNames, services }
      const policies = feature.compile(use.options, context as FeatureContext) ?? NO_POLICIES
      compiled.set(feature.name, { made, policies })
    }
    return this.inOrder(compiled)
  }

  /** The policies of one route in the order in which they act. */
  inOrder(compiled: ReadonlyMap<string, CompiledUse>): readonly Policy[] {
    return this.order.flatMap(({ feature, place }) => compiled.get(feature)?.policies[place] ?? [])
  }

  /** Fields of requests, lower-case, that a route judges, sets or removes. */
  requestFields({ match, features }: Pick<RouteConfig, 'match' | 'features'>): readonly string[] {
    const judged = match.flatMap(({ headers }) => headers.map(({ name }) => name))
    const changed = this.features.flatMap((feature) =>
      Object.hasOwn(features, feature.name) ? (feature.requestFields?.(features[feature.name]) ?? []) : [],
    )
    return [...judged, ...changed].map((name) => name.toLowerCase())
  }
}

function contextOf(feature: AnyFeature, { cells, paramNames, use }: Made, deps: FeatureDeps): FeatureContext {
  const { decisions = {}, name } = feature
  const { attemptSlots, clock, exchangeSlots, keep, ...rest } = deps
  return {
    ...rest,
    feature: name,
    use,
    cells,
    paramNames,
    clock,
    exchangeState: <T>(own = ''): StateSlot<T> => exchangeSlots.of(`${name} ${own}`),
    attemptState: <T>(own = ''): StateSlot<T> => attemptSlots.of(`${name} ${own}`),
    keep: (own, make) => keep(`${name} ${own}`, make),
    note: (ex, decision, facts, at = clock.now()) => {
      ex.note({ at, kind: 'decided', decision, facts, row: decisions[decision] as Decision })
    },
  }
}
