import type { CellSpace } from '../../cells/space.ts'
import type { UpstreamConfig, WeightedUpstream } from '../../core/config.ts'
import { NO_LIMITS, type PlanPart } from '../../core/plan.ts'
import type { ConfigHead, FromWorker, LeanRoute, ToWorker, UpstreamEndpoints } from '../../core/protocol.ts'
import type { Clock } from '../../lib/clock.ts'
import type { FieldNames } from '../../lib/headers.ts'
import { Latencies } from '../../lib/latencies.ts'
import type { Random } from '../../lib/random.ts'
import { Shared } from '../../lib/shared.ts'
import { RouteTableBuilder } from '../routing/table.ts'
import type { Recorder } from '../seeing/recorder.ts'
import { httpRouteOf } from '../seeing/tracing/http-route.ts'
import type { WorkerTracing } from '../seeing/tracing/worker-tracing.ts'
import { Upstream, type UpstreamDeps } from '../upstreams/upstream.ts'
import { Chain, hooksOf } from './chain.ts'
import type { CompiledUses, FeatureDeps, RouteFeatures } from './compile-features.ts'
import { AttemptPlan } from './plan.ts'
import { type CompiledRoute, Snapshot, shownOf } from './snapshot.ts'

type Chunk = Extract<ToWorker, { type: 'chunk' }>

/** What compiling needs from its worker. */
export interface CompileDeps {
  readonly space: CellSpace
  readonly clock: Clock
  readonly random: Random
  readonly names: FieldNames
  readonly recorder: Pick<Recorder, 'route' | 'commit'>
  readonly tracing?: WorkerTracing | undefined
  readonly upstreams: UpstreamDeps
  readonly features: RouteFeatures
  /** What features get. */
  readonly lent: FeatureDeps
}

const SLICE_MS = 5

/**
 * Builds the next snapshot beside the running one, chunk by chunk, in slices of at most 5 ms. Routes that did not change
 * keep their policies and what they have learnt. Upstreams that stay keep their handle; their new options take effect at
 * `commit`, so that an aborted generation has changed nothing.
 */
export class Compilation {
  readonly generation: number
  private readonly deps: CompileDeps
  private readonly head: ConfigHead
  private readonly before: Snapshot | undefined
  private readonly table: RouteTableBuilder<CompiledRoute>
  private readonly shared = new Shared()
  private readonly upstreams = new Map<string, Upstream>()
  private readonly routes = new Map<string, CompiledRoute>()
  /** Fields of requests that routes judge, set or remove. */
  private readonly named = new Set<string>()
  private readonly made: Upstream[] = []
  private readonly changes: (() => void)[] = []
  /** Of the features that act on all routes; undefined until the first chunk. */
  private common: CompiledUses | undefined = undefined

  constructor(head: ConfigHead, before: Snapshot | undefined, deps: CompileDeps) {
    this.generation = head.generation
    this.head = head
    this.before = before
    this.deps = deps
    this.table = new RouteTableBuilder(deps.names)
  }

  /** Throws if an entry cannot be compiled: the generation is then refused. */
  async add(chunk: Chunk): Promise<FromWorker> {
    const { clock, features, lent } = this.deps
    this.common ??= features.compileCommon(this.head, this.before?.common, lent)
    let sliceEnd = clock.now() + SLICE_MS
    const pause = async (): Promise<void> => {
      if (clock.now() < sliceEnd) return
      await new Promise<void>((resolve) => clock.after(0, resolve))
      sliceEnd = clock.now() + SLICE_MS
    }
    for (const [i, config] of chunk.upstreams.entries()) {
      this.addUpstream(config, chunk.endpoints[i] as UpstreamEndpoints)
      await pause()
    }
    for (const route of chunk.routes) {
      const compiled = this.compile(route)
      this.table.add(route, compiled)
      for (const name of features.requestFields(route)) this.named.add(name)
      this.routes.set(route.name, compiled)
      await pause()
    }
    const { generation } = this
    if (!chunk.last) return { type: 'ack', generation }
    return { type: 'prepared', generation, without: await lent.link.arrived() }
  }

  /** The snapshot goes live: upstreams take their new options and endpoints. */
  commit(): Snapshot {
    for (const change of this.changes) change()
    this.deps.recorder.commit(this.head)
    const { common = new Map(), head, named, routes, upstreams } = this
    return new Snapshot(head, this.table.build(), routes, upstreams, named, common, this.deps)
  }

  abort(): void {
    for (const upstream of this.made) upstream.close()
  }

  private addUpstream(config: UpstreamConfig, { cells, endpoints }: UpstreamEndpoints): void {
    const living = this.before?.upstreams.get(config.name)
    const upstream = living ?? new Upstream(config, cells, this.deps.upstreams)
    this.upstreams.set(config.name, upstream)
    if (living === undefined) this.made.push(upstream)
    else this.changes.push(living.prepare(config, cells, this.deps.upstreams.parts))
    this.changes.push(() => upstream.setEndpoints(endpoints))
  }

  private compile(route: LeanRoute): CompiledRoute {
    const { features, lent, recorder, space } = this.deps
    const { cells, digest, effect, name } = route
    const record = recorder.route(name, shownOf(route), this.head, httpRouteOf(route.match))
    const before = this.before?.routesByName.get(name)
    if (before?.digest === digest && this.keepsCommon) return { ...before, record }
    const planning = features.planning(route)
    const part = this.shared.of('part', planning, () => features.plan(route, lent))
    const uses = features.compile(route, this.head, before?.uses, lent)
    const common = this.common as CompiledUses
    const policies = features.inOrder(common, uses)
    const hooks = hooksOf(policies)
    const slots = { exchange: lent.exchangeSlots.size, attempt: lent.attemptSlots.size }
    return {
      name,
      digest,
      effect,
      uses,
      chain: new Chain(
        policies,
        this.shared.of('slots', slots, () => slots),
        this.shared.of('hooks', hooks, () => hooks),
        () => features.placesInOrder(common, uses),
      ),
      plan: route.to === undefined ? undefined : this.plan(route, route.to, part, planning),
      limits: part.limit ?? NO_LIMITS,
      latencies: before?.effect === effect ? before.latencies : new Latencies(),
      inFlight: space.held(cells.inFlight),
      record,
    }
  }

  /** What acts on all routes is what it was, and so is what else all policies are compiled of. */
  private get keepsCommon(): boolean {
    const { before, common, head } = this
    if (before?.gateway !== head.gateway.name || before.common.size !== common?.size) return false
    for (const [name, use] of before.common) if (common.get(name) !== use) return false
    return true
  }

  /** `part`: what the features of the route say of its attempts, made of `planning`. */
  private plan(
    { alternates }: LeanRoute,
    to: readonly WeightedUpstream[],
    part: PlanPart,
    planning: readonly unknown[],
  ): AttemptPlan {
    const upstream = (name: string): Upstream => this.upstream(name)
    return this.shared.of('plan', [to, alternates, planning], () => new AttemptPlan(part, to, alternates, upstream))
  }

  private upstream(name: string): Upstream {
    const upstream = this.upstreams.get(name)
    if (upstream === undefined) throw new Error(`route to unknown upstream ${name}`)
    return upstream
  }
}
