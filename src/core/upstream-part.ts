import type { CellTree, Leased } from '../cells/shape.ts'
import type { Attempt } from './attempt.ts'
import type { BalancerCandidate, CreateBalancer } from './balancer.ts'
import type { HashSource } from './config.ts'
import type { Ejection } from './cut-off.ts'
import type { EndpointWords } from './endpoint-words.ts'
import type { Exchange } from './exchange.ts'
import type { FeatureContext, Place, Refusals, Use } from './feature.ts'
import type { Refusal } from './verdict.ts'

/**
 * A feature at one upstream, compiled. The upstream calls it for every attempt: hooks are synchronous, and a hook that no
 * part defines costs nothing.
 */
export interface UpstreamPart {
  /** All endpoints as of now, called again whenever they change. Returns its part at each of them, in their order. */
  // biome-ignore lint/suspicious/noExplicitAny: each gets the cells that its own form asked for.
  endpoints?(all: readonly EquippedEndpoint<any>[]): readonly EndpointPart[]
  /** The endpoint that the request must go to if that is usable, whatever the balancer would choose. */
  ties?(ex: Exchange): EndpointView | undefined
  /** What the key of a request is made of, in place of the upstream's own sources. */
  readonly hashOn?: readonly HashSource[]
  /** Where it stands in front of the balancer: a smaller stage is farther out. */
  readonly balance?: Place
  /** Puts itself in front of what `create` makes. Asked once for each set of options. */
  balancing?<C extends BalancerCandidate>(create: CreateBalancer<C>): CreateBalancer<C>
  /** What an attempt needs while it is in flight; one feature of an upstream at most has them. */
  readonly permits?: AttemptPermits
  /** Whether this attempt may go to the upstream. What it takes for that, `withdrawn` gives back. */
  admits?(ex: Exchange, at: Attempt): boolean
  /** An attempt that was admitted is sent now. */
  begun?(at: Attempt): void
  /**
   * An attempt that was admitted is not sent. `begun`: it had begun, and never left the queue of its pool: it was no
   * attempt.
   */
  withdrawn?(at: Attempt, begun: boolean): void
}

/** Permits of an upstream, one for each attempt in flight, of all workers together. No request waits for one. */
export interface AttemptPermits {
  readonly upstream: string
  /** What the refusal of an attempt is told as. */
  readonly policy: string
  readonly refusal: Refusal
  /** No further attempt can begin. `ending`: permits that are about to come back. */
  isFull(ending: number): boolean
  /** A permit that must be given back; false: none is free. */
  take(): boolean
  give(): void
  /** Another worker asks for a permit. True: it must get one, from here. */
  called(now: number): boolean
}

/** A feature at one endpoint. */
export interface EndpointPart {
  /** Called while the endpoint is ejected (`EndpointWords.eject`): whether it still is. */
  staysOut?(): boolean
  /** The result of an attempt. `server`: the endpoint answered with a status from 500 on. `now`: clock milliseconds. */
  learn?(failed: boolean, server: boolean, now: number): void
  /** The head of its answer is about to be relayed: fields may be added. */
  answers?(ex: Exchange, status: number, headers: string[]): void
}

/** An endpoint as features see it. */
export interface EndpointView {
  /** Identifies it, across restarts and on every worker. */
  readonly id: string
  readonly words: EndpointWords
}

/** An endpoint with the cells that `UpstreamForm.endpointCells` asked for. */
export interface EquippedEndpoint<C = unknown> {
  readonly endpoint: EndpointView
  readonly cells: C
}

/** Context with which a part is compiled. */
// biome-ignore lint/suspicious/noExplicitAny: see FeatureContext.
export type UpstreamContext<C = unknown, M = any, D = any> = Omit<FeatureContext<C, M, D>, 'gateway' | 'paramNames'>

/** A feature at upstreams. `O`: its options there; `T`: the cells that a use needs. */
export interface UpstreamForm<O, T extends CellTree | undefined, M, D> {
  /** Its sentence for the reference, if that of the feature is about routes. */
  readonly doc?: string
  /** The policy that its refusals are counted under, and how they are told. */
  readonly refuses?: { readonly as: string; readonly told: Refusals }
  /**
   * Whether all endpoints are used although so few are healthy, with those that are unhealthy; draining ones count on
   * neither side. Pure: both planes ask.
   */
  ignoresHealth?(options: O, healthy: number, all: number): boolean
  /** The most attempts that its options let be in flight; undefined: it does not bound them. For lints. */
  mostInFlight?(options: O): number | undefined
  /** Each key has its own endpoints: whether the key is that of the options, or that of the upstream (`loadBalancing.hashOn`). */
  keyOf?(options: O): 'options' | 'upstream'
  /** How it stops sending to an endpoint that fails; undefined: it never does. */
  ejection?(options: O): Ejection | undefined
  /** The most further attempts that it admits, as a share of the first ones. */
  furtherShare?(options: O): number
  cells?(use: Use<O>): T
  /** Cells per endpoint. */
  endpointCells?(use: Use<O>): CellTree
  compile(options: O, context: UpstreamContext<Leased<T>, M, D>): UpstreamPart
}

/** The form as everything but its feature sees it: each gets what its own schema and cells gave. */
export interface AnyUpstreamForm
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  extends Omit<UpstreamForm<any, CellTree | undefined, unknown, unknown>, 'compile'> {
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  compile(options: any, context: any): UpstreamPart
}
