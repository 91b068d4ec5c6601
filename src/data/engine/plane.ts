import type { Mail } from '../../cells/mailbox.ts'
import type { CellSpace } from '../../cells/space.ts'
import type { Algorithm } from '../../core/balancer.ts'
import { failure } from '../../core/failures.ts'
import { type AnyFeature, algorithmsOf } from '../../core/feature.ts'
import type { MetricSink } from '../../core/metric.ts'
import type { Notice } from '../../core/notice.ts'
import { type Pressure, Stage } from '../../core/pressure.ts'
import type { ConfigHead, FromWorker, ToWorker, UpstreamEndpoints } from '../../core/protocol.ts'
import { StateSlots } from '../../core/state-slot.ts'
import type { Transport } from '../../core/transport.ts'
import type { EventClock } from '../../lib/event-clock.ts'
import { FieldNames } from '../../lib/headers.ts'
import type { Random } from '../../lib/random.ts'
import { Timer, type TimerWheel } from '../../lib/timers.ts'
import { UuidV7 } from '../../lib/uuid.ts'
import { GenerationLink } from '../link/generation-link.ts'
import type { WorkerLink } from '../link/worker-link.ts'
import type { Recorder } from '../seeing/recorder.ts'
import type { WorkerTracing } from '../seeing/tracing/worker-tracing.ts'
import { Chain } from './chain.ts'
import { Compilation } from './compile.ts'
import { callGuards, type FeatureDeps, RouteFeatures } from './compile-features.ts'
import { UpstreamFeatures } from './compile-parts.ts'
import { Engine, type EngineDeps } from './engine.ts'
import { EngineServices } from './services.ts'

const CALM: Pressure = { stage: Stage.none }

/** What a data plane depends on. */
export interface PlaneDeps {
  readonly space: CellSpace
  readonly clock: EventClock
  readonly timers: TimerWheel
  readonly random: Random
  /** Default: none. */
  readonly pressure?: Pressure
  readonly recorder: Recorder
  /** undefined: no spans, whatever the config says. */
  readonly tracing?: WorkerTracing
  readonly transport: Transport
  /** The last request on a generation has ended, after another one was committed. */
  readonly retired: (generation: number) => void
  readonly bug: EngineDeps['bug']
  readonly lostEnd: EngineDeps['lostEnd']
  readonly report: (notice: Notice) => void
  readonly mail: Mail
  readonly link: WorkerLink
  readonly features: readonly AnyFeature[]
  readonly metrics: MetricSink
}

/**
 * The data plane: takes config generations in two phases and runs exchanges on the committed one. It knows no threads: a
 * worker wraps it, and tests and embedders run it in their own thread.
 */
export class DataPlane {
  readonly engine: Engine
  private readonly deps: PlaneDeps
  private readonly names = new FieldNames()
  private readonly services: EngineServices
  private readonly kept = new Map<string, unknown>()
  private readonly features: RouteFeatures
  private readonly upstreamFeatures: UpstreamFeatures
  private readonly algorithms: ReadonlyMap<string, Algorithm>
  private readonly exchangeSlots = new StateSlots()
  private readonly attemptSlots = new StateSlots()
  private compilation: Compilation | undefined = undefined
  /** Of the generation that was prepared last. */
  private lent: FeatureDeps | undefined = undefined

  constructor(deps: PlaneDeps) {
    const { clock, timers, random, recorder, bug, lostEnd, mail, space } = deps
    const ids = new UuidV7(clock, random)
    this.deps = deps
    this.features = new RouteFeatures(deps.features)
    this.upstreamFeatures = new UpstreamFeatures(deps.features)
    this.algorithms = algorithmsOf(deps.features)
    const others = Array.from({ length: space.workers }, (_, worker) => worker).filter((w) => w !== space.worker)
    this.engine = new Engine({
      clock,
      timers,
      random,
      recorder,
      bug,
      lostEnd,
      ids,
      wakeOthers: () => {
        for (const worker of others) mail.post(worker)
      },
    })
    if (others.length > 0) mail.listen(() => this.engine.stalls.onMail())
    this.services = new EngineServices(this.engine, (feature, upstream) => this.guards(feature, upstream))
  }

  prepare(head: ConfigHead): FromWorker {
    this.compilation?.abort()
    const relief = this.engine.stalls
    const link = new GenerationLink(this.deps.link)
    const { algorithms, attemptSlots, exchangeSlots, features, services, upstreamFeatures } = this
    const { space, clock, random, recorder, report, timers, mail, metrics, pressure = CALM, tracing } = this.deps
    const lent: FeatureDeps = {
      space,
      clock,
      timers,
      random,
      services,
      mail,
      pressure,
      relief,
      report,
      metrics,
      exchangeSlots,
      attemptSlots,
      keep: (name, make) => this.keep(name, make),
      link,
    }
    this.lent = lent
    this.compilation = new Compilation(head, this.engine.current, {
      space,
      clock,
      random,
      names: this.names,
      recorder,
      tracing,
      features,
      lent,
      upstreams: {
        ...this.deps,
        relief,
        algorithms,
        parts: (config, cells, before) => upstreamFeatures.compile(config, cells, before, lent),
      },
    })
    return { type: 'ack', generation: head.generation }
  }

  /** Compiles a part of the generation that was prepared last; parts of others are ignored. */
  async chunk(chunk: Extract<ToWorker, { type: 'chunk' }>): Promise<FromWorker> {
    const { compilation } = this
    const { generation } = chunk
    if (compilation?.generation !== generation) return { type: 'refused', generation, message: 'not being prepared' }
    try {
      return await compilation.add(chunk)
    } catch (error) {
      this.abort(generation)
      return { type: 'refused', generation, message: error instanceof Error ? error.message : String(error) }
    }
  }

  /** `cutAfter`: milliseconds after which exchanges on routes that have changed or gone are ended. */
  commit(generation: number, cutAfter: number): FromWorker {
    const { compilation, engine } = this
    const { timers } = this.deps
    if (compilation?.generation !== generation) return { type: 'refused', generation, message: 'not being prepared' }
    this.compilation = undefined
    const before = engine.current
    const snapshot = compilation.commit()
    engine.current = snapshot
    if (before !== undefined && engine.running > 0) {
      engine.leaveChanged(snapshot, cutAfter)
      timers.schedule(new Timer(() => engine.cutChanged(snapshot)), cutAfter)
    }
    before?.retire(() => {
      for (const [name, upstream] of before.upstreams)
        if (engine.current?.upstreams.get(name) !== upstream) upstream.close()
      this.deps.retired(before.generation)
    })
    return { type: 'committed', generation }
  }

  abort(generation: number): void {
    if (this.compilation?.generation !== generation) return
    this.compilation.abort()
    this.compilation = undefined
  }

  /** Names resolved to other addresses. */
  endpoints(sets: readonly UpstreamEndpoints[]): void {
    for (const set of sets) this.engine.current?.upstreams.get(set.upstream)?.setEndpoints(set.endpoints)
  }

  /** Ends all that runs and closes all connections. */
  close(): void {
    this.engine.close(failure('draining', 'request', 'operator'))
    for (const upstream of this.engine.current?.upstreams.values() ?? []) upstream.close()
    this.deps.link.close()
    this.deps.timers.close()
  }

  private guards(feature: string, upstream: string): Chain {
    const policies = callGuards(this.deps.features, { feature, upstream }, this.lent as FeatureDeps)
    return new Chain(policies, { exchange: this.exchangeSlots.size, attempt: this.attemptSlots.size })
  }

  private keep<T>(name: string, make: () => T): T {
    if (!this.kept.has(name)) this.kept.set(name, this.deps.link.keep(make))
    return this.kept.get(name) as T
  }
}
