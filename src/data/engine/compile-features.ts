import type { CellSpace } from '../../cells/space.ts'
import type { LeanConfig, RouteConfig } from '../../core/config.ts'
import type { Decision } from '../../core/decision.ts'
import {
  type AnyFeature,
  type FeatureContext,
  type GuardedCall,
  isPure,
  type PlanContext,
  type PureContext,
  type Use,
} from '../../core/feature.ts'
import type { MetricSink } from '../../core/metric.ts'
import { joined, type PlanPart } from '../../core/plan.ts'
import type { Policy } from '../../core/policy.ts'
import type { ConfigHead, LeanRoute } from '../../core/protocol.ts'
import type { Services } from '../../core/services.ts'
import type { StateSlot, StateSlots } from '../../core/state-slot.ts'
import type { UpstreamContext } from '../../core/upstream-part.ts'
import { commonUses, routeUse, type UsedRoute } from '../../core/use.ts'
import type { Clock } from '../../lib/clock.ts'
import type { EventClock } from '../../lib/event-clock.ts'
import type { GenerationLink } from '../link/generation-link.ts'
import { paramNames } from '../routing/match.ts'
import { chainPlace } from './chain.ts'
import { guardedPolicies } from './plugin-guard.ts'

/** What features get from their worker, wherever they are used. */
export interface FeatureDeps
  extends Pick<FeatureContext, 'timers' | 'random' | 'mail' | 'pressure' | 'relief' | 'report'> {
  readonly clock: EventClock
  readonly space: CellSpace
  readonly metrics: MetricSink
  readonly exchangeSlots: StateSlots
  readonly attemptSlots: StateSlots
  /** Of the worker, over all generations. */
  readonly keep: <T>(name: string, make: () => T) => T
  readonly link: GenerationLink
  /** By name of the feature. */
  readonly services: { of(feature: string): Services }
}

/** What a use of a feature is compiled from. */
interface Made {
  readonly use: Use
  readonly cells: unknown
  readonly paramNames: readonly string[]
  readonly gateway: string
}

/** A compiled use of a feature; the next generation uses it again if it would be made from the same. */
export interface CompiledUse {
  readonly made: Made
  /** By place. */
  readonly policies: Readonly<Record<string, Policy>>
}

/** Uses at one place of a config, by name of the feature. */
export type CompiledUses = ReadonlyMap<string, CompiledUse>

/** What tells of the decisions that a plan leads to. */
type PlanDeps = Pick<FeatureDeps, 'metrics'> & { readonly clock: Pick<Clock, 'now'> }

/** For those who read a plan, and send nothing. */
const UNTOLD: PlanDeps = {
  metrics: { counter: () => ({ inc: () => {} }), histogram: () => ({ observe: () => {} }) },
  clock: { now: () => 0 },
}

const NO_POLICIES: CompiledUse['policies'] = Object.freeze({})
const NO_NAMES: readonly string[] = []

/** Where a policy of a feature acts. */
interface FeaturePlace {
  readonly feature: string
  readonly place: string
}

type Head = Pick<LeanConfig, 'features' | 'gateway'>
type HeadWithCells = Head & Pick<ConfigHead, 'cells'>

/** The features whose policies act on the requests of routes, and in which order. */
export class RouteFeatures {
  /** With a key on routes. */
  private readonly own: readonly AnyFeature[]
  /** With a key at the root that is no collection, or with none. */
  private readonly common: readonly AnyFeature[]
  private readonly atRoot: readonly AnyFeature[]
  private readonly order: readonly FeaturePlace[]
  /** Those of the first that have a share of the plan. */
  private readonly planners: readonly AnyFeature[]

  constructor(features: readonly AnyFeature[]) {
    this.own = features.filter(({ keys }) => keys.route !== undefined)
    this.common = features.filter(({ keys: { root, ...others } }) =>
      root === undefined ? Object.keys(others).length === 0 : root.collection === undefined,
    )
    this.atRoot = features.filter(({ keys }) => keys.root !== undefined)
    this.planners = this.own.filter(({ plan }) => plan !== undefined)
    this.order = features
      .filter((feature) => this.own.includes(feature) || this.common.includes(feature))
      .flatMap(({ name, places = {} }) =>
        Object.entries(places).map(([place, { stage }]) => ({ feature: name, place, stage })),
      )
      .sort((a, b) => a.stage - b.stage)
  }

  /** Those that act on the requests of all routes. Throws for options of an unknown feature. `before`: of the generation before. */
  compileCommon(
    { cells, features, gateway }: HeadWithCells,
    before: CompiledUses | undefined,
    deps: FeatureDeps,
  ): CompiledUses {
    checkNames(features, this.atRoot)
    const compiled = commonUses(features, this.common).map(([feature, use]): [string, CompiledUse] => {
      const made = { use, cells: cells[feature.name], paramNames: NO_NAMES, gateway: gateway.name }
      return [feature.name, compiledUse(feature, made, before, deps)]
    })
    return new Map(compiled)
  }

  /** Those of a route. Throws for options of an unknown feature. `before`: the same route of the generation before. */
  compile(
    route: LeanRoute,
    { gateway }: Pick<Head, 'gateway'>,
    before: CompiledUses | undefined,
    deps: FeatureDeps,
  ): CompiledUses {
    checkNames(route.features, this.own)
    const compiled = new Map<string, CompiledUse>()
    for (const feature of this.own) {
      const { name } = feature
      if (feature.compile === undefined || !Object.hasOwn(route.features, name)) continue
      const use = routeUse(name, route)
      const cells = route.cells.features[name]
      const made = { use, cells, paramNames: paramNames(route.match), gateway: gateway.name }
      compiled.set(name, compiledUse(feature, made, before, deps))
    }
    return compiled
  }

  /** What {@link plan} depends on. */
  planning({ features }: Pick<RouteConfig, 'features'>): readonly unknown[] {
    return this.planners.map(({ name }) => features[name])
  }

  /** What features say of the attempts of a route. */
  plan({ features }: Pick<RouteConfig, 'features'>, { clock, metrics }: PlanDeps = UNTOLD): PlanPart {
    const parts = this.planners
      .filter(({ name }) => Object.hasOwn(features, name))
      .map((feature) => feature.plan?.(features[feature.name], { metrics, note: noteOf(feature, clock) }) ?? {})
    return joined(parts)
  }

  /** The policies that depend on the request alone, in the order in which they act. */
  compilePure(
    route: UsedRoute & Pick<RouteConfig, 'match'>,
    head: Head,
    services: PureContext['services'],
  ): readonly Policy[] {
    const compiled = (feature: AnyFeature, use: Use, paramNames: readonly string[]): [string, CompiledUse] => {
      const { name: gateway } = head.gateway
      const context: PureContext = { feature: feature.name, use, paramNames, gateway, services, shadow: () => {} }
      const policies = feature.compile?.(use.options, context as FeatureContext) ?? NO_POLICIES
      return [feature.name, { made: { use, cells: undefined, paramNames, gateway }, policies }]
    }
    const names = paramNames(route.match)
    const common = commonUses(head.features, this.common).flatMap(([feature, use]) =>
      isPure(feature, use.options) ? [compiled(feature, use, NO_NAMES)] : [],
    )
    const own = this.own.flatMap((feature) =>
      Object.hasOwn(route.features, feature.name) && isPure(feature, route.features[feature.name])
        ? [compiled(feature, routeUse(feature.name, route), names)]
        : [],
    )
    return this.inOrder(new Map(common), new Map(own))
  }

  /** The policies that act on the requests of one route, in the order in which they act. */
  inOrder(common: CompiledUses, own: CompiledUses): readonly Policy[] {
    return this.order.flatMap(({ feature, place }) =>
      [common, own].flatMap((uses) => uses.get(feature)?.policies[place] ?? []),
    )
  }

  /** Where each of these policies acts, see `chainPlace`. */
  placesInOrder(common: CompiledUses, own: CompiledUses): readonly string[] {
    return this.order.flatMap(({ feature, place }) =>
      [common, own].flatMap((uses) =>
        uses.get(feature)?.policies[place] === undefined ? [] : chainPlace(feature, place),
      ),
    )
  }

  /** Fields of requests, lower-case, that a route judges, sets or removes. */
  requestFields({ match, features }: Pick<RouteConfig, 'match' | 'features'>): readonly string[] {
    const judged = match.flatMap(({ headers }) => headers.map(({ name }) => name))
    const changed = this.own.flatMap((feature) =>
      Object.hasOwn(features, feature.name) ? (feature.requestFields?.(features[feature.name]) ?? []) : [],
    )
    return [...judged, ...changed].map((name) => name.toLowerCase())
  }
}

function checkNames(options: Readonly<Record<string, unknown>>, features: readonly AnyFeature[]): void {
  const unknown = Object.keys(options).find((name) => !features.some((feature) => feature.name === name))
  if (unknown !== undefined) throw new Error(`no such feature: ${unknown}`)
}

function compiledUse(
  feature: AnyFeature,
  made: Made,
  before: CompiledUses | undefined,
  deps: FeatureDeps,
): CompiledUse {
  const same = before?.get(feature.name)
  if (same !== undefined && madeOfSame(same.made, made)) return same
  const compile = (): CompiledUse['policies'] | undefined =>
    feature.compile?.(made.use.options, contextOf(feature, made, deps))
  const policies = feature.plugin === undefined ? compile() : guardedPolicies(feature, compile, deps)
  return { made, policies: policies ?? NO_POLICIES }
}

function contextOf(feature: AnyFeature, { gateway, paramNames, ...made }: Made, deps: FeatureDeps): FeatureContext {
  return { ...upstreamContext(feature, made, deps), gateway, paramNames }
}

/** What a feature is compiled with at an upstream; on a route there is more. */
export function upstreamContext(
  feature: AnyFeature,
  { cells, use }: Pick<Made, 'use' | 'cells'>,
  deps: FeatureDeps,
): UpstreamContext {
  const { name } = feature
  const { attemptSlots, clock, exchangeSlots, keep, link, services, ...rest } = deps
  return {
    ...rest,
    feature: name,
    use,
    cells,
    // Code that is not ours may turn until a time has come.
    clock: feature.plugin === undefined ? clock : clock.passing,
    services: services.of(name),
    exchangeState: <T>(own = ''): StateSlot<T> => exchangeSlots.of(`${name} ${use.at} ${own}`),
    attemptState: <T>(own = ''): StateSlot<T> => attemptSlots.of(`${name} ${use.at} ${own}`),
    set: (labels, state, facts) => rest.report({ kind: 'state', feature: name, labels, state, facts }),
    keep: (own, make) => keep(`${name} ${own}`, make),
    ask: (question, deadlineMs) => link.ask(name, question, deadlineMs),
    feed: (own, need) => link.feed(name, own, need),
    command: (own, handle) => link.command(name, own, handle),
    store: (own) => link.store(name, own),
    note: noteOf(feature, clock),
    shadow: (ex, reason) => ex.refused(clock, name, reason, 'shadow'),
  }
}

/** What features have to say of the calls of one feature to one upstream. */
export function callGuards(features: readonly AnyFeature[], call: GuardedCall, deps: FeatureDeps): readonly Policy[] {
  const use: Use = { at: 'root', name: '', options: undefined, upstreams: [call.upstream], reach: {} }
  return features.flatMap((feature) => {
    const policy = feature.guardsCalls?.(call, upstreamContext(feature, { use, cells: undefined }, deps))
    return policy ?? []
  })
}

function noteOf({ decisions = {} }: AnyFeature, clock: Pick<Clock, 'now'>): PlanContext['note'] {
  return (ex, decision, facts, at = clock.now()) => {
    ex.note({ at, kind: 'decided', decision, facts, row: decisions[decision] as Decision })
  }
}

/** Whether two uses would be compiled into the same. */
export function madeOfSame<T extends Pick<Made, 'use' | 'cells'>>(a: T, b: T): boolean {
  return textOf(a) === textOf(b)
}

/** Entries of a collection are a `Map`, which JSON shows as empty. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_, inner) => (inner instanceof Map ? [...inner] : inner))
}
