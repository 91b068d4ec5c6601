import type { Mail } from '../cells/mailbox.ts'
import type { CellRef } from '../cells/pages.ts'
import type { CellTree, Leased } from '../cells/shape.ts'
import type { CellSpace } from '../cells/space.ts'
import type { OutcomeWindow } from '../cells/window.ts'
import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import type { TimerWheel } from '../lib/timers.ts'
import type { Schema } from '../schema/schema.ts'
import type { Algorithm } from './balancer.ts'
import type { Reach } from './config.ts'
import type { ControlFeature } from './control-feature.ts'
import type { CutOff } from './cut-off.ts'
import type { DecisionTable, FactsOf } from './decision.ts'
import type { EndpointSource } from './endpoint-source.ts'
import type { EventTable } from './event.ts'
import type { Exchange } from './exchange.ts'
import type { Reason } from './failures.ts'
import type { Ask, CommandHandler, Feed, FeedNeed } from './link.ts'
import type { LintRule } from './lint.ts'
import type { MetricSink, MetricsOf, MetricTable } from './metric.ts'
import type { Notice } from './notice.ts'
import type { PlanPart } from './plan.ts'
import type { Policy } from './policy.ts'
import type { Pressure } from './pressure.ts'
import type { Relief } from './relief.ts'
import type { Services } from './services.ts'
import type { StateSlot } from './state-slot.ts'
import type { EndpointStates, LastingStates, StateTable } from './state-table.ts'
import type { Store, StoreName } from './store.ts'
import type { AnyUpstreamForm, UpstreamContext, UpstreamForm } from './upstream-part.ts'

/**
 * The contract of a feature: all that the rest of Sluice knows of it. A feature is a folder of `features/` with one line in
 * `features/index.ts`; deleting both deletes it. docs/architecture.md says how to add one.
 */

/** Where the key of a feature may be written. */
export type UseLevel = 'root' | 'listener' | 'upstream' | 'route'

/** The same; `loadBalancing`: within that map of an upstream. */
export type KeyPlace = UseLevel | 'loadBalancing'

/** One use of a feature: its options at one place of the config. Structured-cloneable. */
export interface Use<O = unknown> {
  readonly at: UseLevel
  /** Name of the listener, upstream or route; empty at the root, and of a feature that has no key. */
  readonly name: string
  /** As its schema read them, with every default filled in. */
  readonly options: O
  /** Names of the upstreams that its requests may go to, failover included. */
  readonly upstreams: readonly string[]
  /** The root entries that its options refer to. */
  readonly reach: Reach
}

/** A place in the order in which policies act; users never order by hand. */
export interface Place {
  /** Position from the outside to the inside, see docs/architecture.md. */
  readonly stage: number
  /** One sentence: why it stands there. */
  readonly why: string
}

/** Read access of the control plane to cells. */
export interface CellReader {
  /** Of a held cell, over all workers. */
  sum(ref: CellRef): number
  /** The page of a block of words; use with `ref.slot` and `Atomics`. */
  words(ref: CellRef): Int32Array
  /** Outcomes of the latest `windowMs` milliseconds, of all workers. */
  window(ref: CellRef, windowMs: number): OutcomeWindow
}

/** One number that the live view shows of each use of a feature. */
export interface Figure<O, C> {
  /** For OpenAPI and the reference. */
  readonly doc: string
  /** The gauge that shows it too, with the name of the use as its label; undefined: none does. */
  readonly metric?: string
  /** Value in the live view if there is nothing to count. */
  readonly otherwise: 0 | null
  /** undefined: there is nothing to count. Pure. */
  of(use: Use<O>, cells: C, look: CellReader): number | undefined
}

/** Context of every compile; a pure feature gets nothing else. */
export interface PureContext {
  /** Name of the feature; for {@link Policy.name}. */
  readonly feature: string
  readonly use: Use
  /** Names of the route's path parameters, in the order of `ex.params`. */
  readonly paramNames: readonly string[]
  /** Name of the gateway, as in `Via`. */
  readonly gateway: string
  readonly services: Pick<Services, 'forwardHeaders' | 'hashesPath'>
  /** In mode shadow: the feature would have refused the request, for this reason. */
  shadow(ex: Exchange, reason: Reason): void
}

/** What a policy is compiled with. `C`: its cells as they were leased, `M`: its metrics, `D`: its decisions, `S`: its states. */
// biome-ignore lint/suspicious/noExplicitAny: what needs no metrics, decisions and states takes a context with any.
export interface FeatureContext<C = unknown, M = any, D = any, S = any> extends PureContext {
  readonly cells: C
  readonly space: CellSpace
  readonly metrics: MetricSink<MetricsOf<M, 'counter'>, MetricsOf<M, 'histogram'>>
  readonly clock: Clock
  readonly timers: TimerWheel
  readonly random: Random
  readonly services: Services
  readonly mail: Mail
  /** The stage of overload of its worker. */
  readonly pressure: Pressure
  /** What to end when permits run out, see {@link Relief}. */
  readonly relief: Relief
  /** Reserves a place of its own in every exchange, or in every attempt. */
  exchangeState<T>(name?: string): StateSlot<T>
  attemptState<T>(name?: string): StateSlot<T>
  /** A value that the feature keeps in its worker over all generations and uses, by name; made at first use. */
  keep<T>(name: string, make: () => T): T
  /** Asks the control half of the feature, see `ControlHalf.answers`. */
  readonly ask: Ask
  /** What its control half publishes by this name, see `ControlContext.feed`. */
  feed<T>(name: string, need: FeedNeed): Feed<T>
  /** What the control half commands by this name, see `ControlContext.command`: only within `keep`, once per name. */
  command<Q>(name: string, handle: CommandHandler<Q>): void
  /** What it keeps in a store, apart from all others: the same as `ControlContext.store` of the feature. */
  store(name: StoreName): Store
  /** Records a decision about a request. `at`: clock milliseconds; default: now. */
  note<K extends keyof D & string>(ex: Exchange, decision: K, facts: FactsIn<D, K>, at?: number): void
  /**
   * A lasting state has changed to `state`; `labels`: values in the order of the table's. Called by the thread that changed
   * it.
   */
  set<K extends keyof S & string>(labels: readonly string[], state: K, facts: FactsIn<S, K>): void
  /** Reports an event to operators. */
  readonly report: (notice: Notice) => void
}

/** What a share of an attempt plan is made with. All routes with the same options have it in common: it keeps nothing of one route. */
// biome-ignore lint/suspicious/noExplicitAny: as above.
export type PlanContext<M = any, D = any> = Pick<FeatureContext<unknown, M, D>, 'metrics' | 'note'>

/** Of a row in a table of decisions or states. */
type FactsIn<D, K extends keyof D> = D[K] extends { readonly facts: infer S } ? FactsOf<S> : never

/**
 * `O`: options as the schema reads them; `T`: the cells that a use needs; `M`, `D` and `S`: see {@link FeatureContext};
 * `UO` and `UT`: `O` and `T` at an upstream. {@link defineFeature} infers all of them.
 */
export interface Feature<
  O = unknown,
  T extends CellTree | undefined = CellTree | undefined,
  M = MetricTable,
  D = DecisionTable,
  S extends LastingStates = LastingStates,
  UO = unknown,
  UT extends CellTree | undefined = CellTree | undefined,
> {
  /** The key in the config. */
  readonly name: string
  /** One sentence for the reference of the config. */
  readonly doc: string
  /**
   * Where its key may be written, and its schema there. A feature at the root acts on the requests of every route; so does
   * one without any key, whose options are `undefined`.
   */
  readonly keys: { readonly [L in Exclude<UseLevel, 'upstream'>]?: Schema<O> } & {
    readonly [L in 'upstream' | 'loadBalancing']?: Schema<UO>
  }
  /** On without being written: with its defaults, or as if this text were written. */
  readonly byDefault?: boolean | string
  /**
   * How many upstreams `to` must name for it to act on a route. Default: 1 if it is on by default, else 0. A feature that
   * is on by default and needs none is on every route, and cannot be `off` as a whole.
   */
  readonly targets?: 0 | 2
  /** It changes nothing about requests: with other options the route is still the same to them. */
  readonly observes?: boolean
  /** It answers in the place of an upstream: a route has exactly one of these and `to`. */
  readonly answers?: boolean
  /**
   * Whether a use with these options depends on the request alone, as all of a {@link PureFeature} do: it is compiled with a
   * {@link PureContext} then where requests are only explained.
   */
  pure?(options: O): boolean
  /** By name: one for each of the policies that `compile` returns. */
  readonly places?: Readonly<Record<string, Place>>
  /** Names of the request's fields that the options set, add or remove. */
  requestFields?(options: O): readonly string[]
  /** Names of upstreams that take over from those of the route, in order. */
  alternates?(options: O): readonly string[]
  /**
   * Cells: counts in memory that all workers and generations share. The name of the use is part of the identity: cells
   * survive as long as a use of that name needs them.
   */
  cells?(use: Use<O>): T
  readonly metrics?: M
  readonly figures?: Readonly<Record<string, Figure<O, Leased<T>>>>
  readonly decisions?: D
  /** How it tells that it lets no attempt pass at an upstream, by reason; without: by the title of the reason. */
  readonly refusals?: Refusals
  /** What lasts, longer than requests. */
  readonly states?: StateTable<O, Leased<T>, S>
  /**
   * The states that it brings endpoints into, by the names that the control plane has for them, with what it tells of each
   * change; reported as notices of kind `state`. A feature has these or `states`.
   */
  readonly endpointStates?: EndpointStates
  /** What else it tells operators: it reports them by their names as notices of kind `event`. */
  readonly events?: EventTable
  /** Its part in the control plane, once per gateway, see `control-feature.ts`; only the control plane calls this. */
  readonly control?: () => Promise<{ readonly control: ControlFeature<O, Leased<T>, M> }>
  /** How it stops asking an upstream that fails; undefined: it never does. */
  cutOff?(options: O): CutOff | undefined
  /** At an upstream: whether it works with the endpoints of a drill, plain HTTP servers that say 200; without: it does. */
  fitsDrill?(options: UO): boolean
  /** The most requests of a route that its options let be in flight; undefined: it does not bound them. For lints. */
  mostInFlight?(options: O): number | undefined
  /** What it finds in a config that is valid, see `core/lint.ts`; called only where configs are judged. */
  // biome-ignore lint/suspicious/noExplicitAny: what lints read is made above all features.
  readonly lints?: () => Promise<{ readonly lints: readonly LintRule<any>[] }>
  /** Its share of the attempt plan of a route. */
  plan?(options: O, context: PlanContext<M, D>): PlanPart
  /**
   * Compiles one use: policies by the name of their place. undefined: nothing to do. Throws for options that cannot be
   * compiled.
   */
  compile?(options: O, context: FeatureContext<Leased<T>, M, D, S>): Readonly<Record<string, Policy>> | undefined
  /**
   * How it guards what a feature calls at an upstream, see `SideRequest.teaches`: asked in each worker, once for each two of
   * them.
   */
  guardsCalls?(call: GuardedCall, context: UpstreamContext<undefined, M, D>): Policy | undefined
  /** Its part at an upstream. */
  readonly upstream?: UpstreamForm<UO, UT, M, D>
  /** What other keys of the config may name by its kind. */
  readonly provides?: Provided
  /** Of a plug-in: milliseconds that an asynchronous hook may take. Default: 5,000. Features of Sluice bound their waits themselves. */
  readonly hookMs?: number
}

/** Who calls whom. */
export interface GuardedCall {
  readonly feature: string
  readonly upstream: string
}

/** Several kinds of what an upstream needs one of. */
export interface Provided {
  /** How an endpoint is chosen. */
  readonly algorithms?: readonly Algorithm[]
  /** Where endpoints are found; the control half of the feature finds them. */
  readonly sources?: readonly EndpointSource[]
}

/**
 * A feature whose policies' hooks are synchronous and depend on the request alone, so that `explain`, `replay` and `tests:`
 * run them.
 */
export interface PureFeature<O = unknown>
  extends Omit<
    Feature<O, undefined, never, never>,
    | 'pure'
    | 'cells'
    | 'metrics'
    | 'figures'
    | 'decisions'
    | 'refusals'
    | 'states'
    | 'endpointStates'
    | 'events'
    | 'control'
    | 'plan'
    | 'compile'
    | 'guardsCalls'
    | 'upstream'
    | 'provides'
  > {
  readonly pure: true
  compile(options: O, context: PureContext): Readonly<Record<string, Policy>> | undefined
}

// biome-ignore lint/suspicious/noExplicitAny: a list holds features of all types; each gets what its own schema and cells gave.
type Any = any

/** A feature as seen from outside. */
export interface AnyFeature
  extends Omit<
    Feature<Any, Any, MetricTable, DecisionTable, Any, Any, Any>,
    'pure' | 'cells' | 'figures' | 'states' | 'control' | 'plan' | 'compile' | 'guardsCalls' | 'upstream'
  > {
  /** The plug-in that brought it, as the config names it; undefined: it is one of Sluice's own. */
  readonly plugin?: string
  readonly pure?: true | ((options: Any) => boolean)
  cells?(use: Use): CellTree | undefined
  readonly figures?: Readonly<Record<string, Figure<Any, Any>>>
  readonly states?: StateTable<Any, Any>
  readonly control?: () => Promise<{ readonly control: ControlFeature<Any, Any> }>
  plan?(options: Any, context: PlanContext): PlanPart
  compile?(options: Any, context: Any): Readonly<Record<string, Policy>> | undefined
  guardsCalls?(call: GuardedCall, context: Any): Policy | undefined
  readonly upstream?: AnyUpstreamForm
}

export type NoTable = Readonly<Record<never, never>>

/** What an operator reads of a refusal, by its reason. */
export type Refusals = { readonly [R in Reason]?: (upstream: string) => string }

/** Gives a feature the types of its parts. */
export function defineFeature<
  O,
  T extends CellTree | undefined = undefined,
  const M extends MetricTable = NoTable,
  const D extends DecisionTable = NoTable,
  S extends LastingStates = NoTable,
  UO = unknown,
  UT extends CellTree | undefined = undefined,
>(feature: Feature<O, T, M, D, S, UO, UT>): Feature<O, T, M, D, S, UO, UT> {
  return feature
}

/** Whether a use with these options depends on the request alone. */
export function isPure({ pure }: AnyFeature, options: unknown): boolean {
  return typeof pure === 'function' ? pure(options) : pure === true
}

/** Whether it acts on a route that leads to `targets` upstreams. */
export function actsOn({ byDefault = false, targets }: AnyFeature, { length }: readonly unknown[] = []): boolean {
  return length >= (targets ?? (byDefault === false ? 0 : 1))
}

/** What features provide to choose an endpoint, by name. */
export function algorithmsOf(features: readonly AnyFeature[]): ReadonlyMap<string, Algorithm> {
  const all = features.flatMap(({ provides }) => provides?.algorithms ?? [])
  return new Map(all.map((algorithm) => [algorithm.name, algorithm]))
}

/** Of features that act at no stage. */
const LAST = 1000

/** By the stage at which they act first. */
export function inOrder(features: readonly AnyFeature[]): readonly AnyFeature[] {
  const first = ({ places = {} }: AnyFeature): number =>
    Math.min(LAST, ...Object.values(places).map(({ stage }) => stage))
  return features.toSorted((a, b) => first(a) - first(b))
}
