import type { HeldCell } from '../../cells/held.ts'
import type { PathPoliciesConfig } from '../../core/path-policy.ts'
import type { TimeLimits } from '../../core/plan.ts'
import type { ConfigHead, LeanRoute } from '../../core/protocol.ts'
import type { RouteFacts } from '../../core/route-facts.ts'
import type { FieldNames } from '../../lib/headers.ts'
import type { Latencies } from '../../lib/latencies.ts'
import type { Random } from '../../lib/random.ts'
import type { RouteTable } from '../routing/table.ts'
import type { AccessLogRoute } from '../seeing/access-log.ts'
import { RequestIdentity } from '../seeing/request-identity.ts'
import type { TraceSampler } from '../seeing/tracing/sampler.ts'
import type { WorkerTracing } from '../seeing/tracing/worker-tracing.ts'
import type { Upstream } from '../upstreams/upstream.ts'
import { Chain } from './chain.ts'
import type { CompiledUses } from './compile-features.ts'
import { type FieldKinds, responseKinds, trailerKinds } from './fields.ts'
import { Forwarder } from './forward.ts'
import type { AttemptPlan } from './plan.ts'

/** Digest of requests without a route in any config. */
export const NO_ROUTE = ''

/** A route as the request path reads it. */
export interface CompiledRoute extends RouteFacts {
  /** See `LeanRoute`. */
  readonly digest: string
  readonly effect: string
  /** By name of the feature. */
  readonly uses: CompiledUses
  readonly chain: Chain
  /** undefined: a policy answers. */
  readonly plan: AttemptPlan | undefined
  readonly limits: TimeLimits
  /** From the start of an attempt to the head of its answer, as recently seen by this worker. */
  readonly latencies: Latencies
  readonly inFlight: Pick<HeldCell, 'take' | 'give'>
}

/**
 * What a worker compiled of one config generation. Immutable except for the count of exchanges that began with it; when it
 * is retired and the last of them has ended, `onEmpty` runs once.
 */
export class Snapshot {
  readonly generation: number
  readonly gateway: string
  readonly correlation: readonly string[]
  readonly pathPolicy: PathPoliciesConfig
  readonly identity: RequestIdentity
  /** undefined: nothing is recorded as spans. */
  readonly sampler: TraceSampler | undefined
  readonly forwarder: Forwarder
  readonly responseKinds: FieldKinds
  readonly trailerKinds: FieldKinds
  readonly routes: RouteTable<CompiledRoute>
  readonly routesByName: ReadonlyMap<string, CompiledRoute>
  readonly upstreams: ReadonlyMap<string, Upstream>
  /** Of the features that act on all routes. */
  readonly common: CompiledUses
  /** For requests that no route gets: what tells of failures. No other hook of it is called. */
  readonly unmatched: Chain
  private living = 0
  private onEmpty: (() => void) | undefined = undefined

  constructor(
    head: ConfigHead,
    routes: RouteTable<CompiledRoute>,
    routesByName: ReadonlyMap<string, CompiledRoute>,
    upstreams: ReadonlyMap<string, Upstream>,
    named: ReadonlySet<string>,
    common: CompiledUses,
    deps: { readonly names: FieldNames; readonly random: Random; readonly tracing?: WorkerTracing | undefined },
  ) {
    this.generation = head.generation
    this.gateway = head.gateway.name
    this.correlation = head.correlation.headers
    this.pathPolicy = head.pathPolicy
    this.identity = new RequestIdentity(head, deps.names, deps.random)
    this.sampler = deps.tracing?.sampler(head.tracing)
    this.forwarder = new Forwarder(head, named)
    this.responseKinds = responseKinds(head.correlation.headers)
    this.trailerKinds = trailerKinds(head.correlation.headers)
    this.routes = routes
    this.routesByName = routesByName
    this.upstreams = upstreams
    this.common = common
    const policies = Array.from(common.values(), (use) => Object.values(use.policies)).flat()
    this.unmatched = new Chain(policies.filter(({ page }) => page !== undefined))
  }

  enter(): void {
    this.living++
  }

  leave(): void {
    this.living--
    this.check()
  }

  /** No new exchange begins with it. `onEmpty` may run at once. */
  retire(onEmpty: () => void): void {
    this.onEmpty = onEmpty
    this.check()
  }

  private check(): void {
    if (this.living > 0 || this.onEmpty === undefined) return
    const { onEmpty } = this
    this.onEmpty = undefined
    onEmpty()
  }
}

const NO_KEYS: ReadonlySet<string> = new Set()
const NO_NAMES: readonly string[] = []

/** What the access log may show of a route's requests: only what the route matches on. */
export function shownOf(route: LeanRoute): AccessLogRoute {
  const queryKeys = route.match.flatMap((match) => match.query.map((condition) => condition.name))
  const headerNames = route.match.flatMap((match) => match.headers.map((condition) => condition.name))
  return {
    queryKeys: queryKeys.length === 0 ? NO_KEYS : new Set(queryKeys),
    headerNames: headerNames.length === 0 ? NO_NAMES : [...new Set(headerNames)],
  }
}
