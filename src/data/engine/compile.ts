import type { CellSpace } from '../../cells/space.ts'
import type { UpstreamConfig } from '../../core/config.ts'
import { IMPORTANCES } from '../../core/importance.ts'
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
import type { FeatureDeps, RouteFeatures } from './compile-features.ts'
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

  constructor(head: ConfigHead, before: Snapshot | undefined, deps: CompileDeps) {
    this.generation = head.generation
    this.head = head
    this.before = before
    this.deps = deps
    this.table = new RouteTableBuilder(deps.names)
  }

  /** Throws if an entry cannot be compiled: the generation is then refused. */
  async add(chunk: Chunk): Promise<FromWorker> {
    const { clock } = this.deps
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
      for (const name of this.deps.features.requestFields(route)) this.named.add(name)
      this.routes.set(route.name, compiled)
      await pause()
    }
    return { type: chunk.last ? 'prepared' : 'ack', generation: this.generation }
  }

  /** The snapshot goes live: upstreams take their new options and endpoints. */
  commit(): Snapshot {
    for (const change of this.changes) change()
    this.deps.recorder.commit(this.head)
    return new Snapshot(this.head, this.table.build(), this.routes, this.upstreams, this.named, this.deps)
  }

  abort(): void {
    for (const upstream of this.made) upstream.close()
  }

  private addUpstream(config: UpstreamConfig, { cells, endpoints }: UpstreamEndpoints): void {
    const living = this.before?.upstreams.get(config.name)
    const upstream = living ?? new Upstream(config, cells, this.deps.upstreams)
    this.upstreams.set(config.name, upstream)
    if (living === undefined) this.made.push(upstream)
    else this.changes.push(() => living.update(config))
    this.changes.push(() => upstream.setEndpoints(endpoints))
  }

  private compile(route: LeanRoute): CompiledRoute {
    const { features, lent, recorder, space } = this.deps
    const { cells, digest, name } = route
    const more = { slo: route.slo, pattern: httpRouteOf(route.match) }
    const record = recorder.route(name, shownOf(route), this.head, more)
    const same = this.before?.routesByName.get(name)
    if (same?.digest === digest) return { ...same, record }
    const uses = features.compile(route, same?.uses, lent)
    const policies = features.inOrder(uses)
    const hooks = hooksOf(policies)
    const slots = { exchange: lent.exchangeSlots.size, attempt: lent.attemptSlots.size }
    return {
      name,
      digest,
      uses,
      chain: new Chain(
        policies,
        this.shared.of('slots', slots, () => slots),
        this.shared.of('hooks', hooks, () => hooks),
      ),
      plan: route.to === undefined ? undefined : this.plan(route),
      timeouts: this.shared.of('timeouts', route.timeouts, () => route.timeouts),
      latencies: new Latencies(),
      importance: IMPORTANCES.indexOf(route.importance),
      inFlight: space.held(cells.inFlight),
      record,
    }
  }

  private plan(route: LeanRoute): AttemptPlan {
    const { failover, hedge, retries, spill, timeouts, to } = route
    const facts = [to, failover, spill, timeouts, retries, hedge]
    return this.shared.of('plan', facts, () => new AttemptPlan(route, (name) => this.upstream(name)))
  }

  private upstream(name: string): Upstream {
    const upstream = this.upstreams.get(name)
    if (upstream === undefined) throw new Error(`route to unknown upstream ${name}`)
    return upstream
  }
}
