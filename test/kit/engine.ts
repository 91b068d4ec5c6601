import type { CellRef } from '../../src/cells/pages.ts'
import type { Attempt } from '../../src/core/attempt.ts'
import type { UpstreamConfig } from '../../src/core/config.ts'
import type { Exchange } from '../../src/core/exchange.ts'
import type { AnyFeature } from '../../src/core/feature.ts'
import { algorithmsOf } from '../../src/core/feature.ts'
import type { Notice } from '../../src/core/notice.ts'
import { NO_LIMITS, type TimeLimits } from '../../src/core/plan.ts'
import type { Policy } from '../../src/core/policy.ts'
import type { Pressure } from '../../src/core/pressure.ts'
import type { ResolvedEndpoint } from '../../src/core/protocol.ts'
import type { Reply } from '../../src/core/verdict.ts'
import { Chain, EMPTY_CHAIN } from '../../src/data/engine/chain.ts'
import { CollectingDownstream } from '../../src/data/engine/collect.ts'
import { RouteFeatures } from '../../src/data/engine/compile-features.ts'
import { Engine } from '../../src/data/engine/engine.ts'
import { AttemptPlan } from '../../src/data/engine/plan.ts'
import { EngineServices } from '../../src/data/engine/services.ts'
import { type CompiledRoute, Snapshot } from '../../src/data/engine/snapshot.ts'
import type { RouteTable } from '../../src/data/routing/table.ts'
import { Upstream } from '../../src/data/upstreams/upstream.ts'
import { buffering } from '../../src/features/buffering/feature.ts'
import { FEATURES } from '../../src/features/index.ts'
import { EventClock } from '../../src/lib/event-clock.ts'
import { FieldNames } from '../../src/lib/headers.ts'
import { Latencies } from '../../src/lib/latencies.ts'
import { ENDLESS } from '../../src/lib/lifetime.ts'
import { seededRandom } from '../../src/lib/random.ts'
import { TimerWheel } from '../../src/lib/timers.ts'
import { UuidV7 } from '../../src/lib/uuid.ts'
import { PLAIN } from './balancing.ts'
import { TestCells } from './cells.ts'
import { ManualClock } from './clock.ts'
import { PEER } from './exchange.ts'
import { CompiledUse, CountedMetrics, featureDeps, readOptions } from './feature.ts'
import { HEAD, TIMEOUTS } from './lean.ts'
import { endpointCells, partsWith, UPSTREAM, upstreamCells } from './lean-upstream.ts'
import { lostEnd } from './lost-end.ts'
import { ScriptedTransport } from './scripted-transport.ts'

/** What differs from a plain route to one upstream `a` with one endpoint. */
export interface EngineSetUp {
  /** See `EngineDeps`. */
  readonly wakeOthers?: () => void
  /** Shared with policies that were made before. */
  readonly clock?: ManualClock
  readonly policies?: readonly Policy[]
  /** Whose share of the plan is asked; default: all. */
  readonly features?: readonly AnyFeature[]
  readonly timeouts?: Partial<TimeLimits>
  /** As their schema reads them. */
  readonly retries?: object
  /** Number of endpoints by upstream name; the first is the route's, the others take over. */
  readonly upstreams?: Readonly<Record<string, number>>
  /** Of the upstreams that the route spreads its requests over; then only the others take over. */
  readonly weights?: Readonly<Record<string, number>>
  readonly spill?: boolean
  /** Of each upstream at a time. */
  readonly maxAttempts?: number
  /** Of each endpoint at a time. */
  readonly maxConcurrent?: number
  readonly connections?: Partial<UpstreamConfig['connections']>
  /** Options of the upstreams' features, by name. */
  readonly atUpstreams?: UpstreamConfig['features']
  /** As its schema reads it; undefined: off. */
  readonly buffering?: object
  readonly hedge?: { readonly delay: number | undefined } | undefined
  readonly algorithm?: UpstreamConfig['algorithm']
  /** Of the upstreams. */
  readonly report?: (notice: Notice) => void
  readonly pressure?: Pressure
  /** Default: fails the test. */
  readonly lostEnd?: () => void
}

/** One request handed to the engine, and what became of it. */
export interface Sent {
  readonly downstream: CollectingDownstream
  /** undefined while it runs, or when the answer broke. */
  reply: Reply | undefined
  ended: boolean
}

const RETRIES = {
  maxExtra: 1,
  when: ['connect', 'reset', 502, 503, 504],
  methods: ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'],
  backoff: { base: 25, cap: 250 },
  retryAfterCap: 5_000,
}

/** An engine in virtual time over a scripted transport: one route that takes everything. */
export class EngineKit {
  readonly clock: ManualClock
  /** That of the engine, and of a listener in front of it. */
  readonly eventClock: EventClock
  readonly timers: TimerWheel
  readonly transport = new ScriptedTransport()
  readonly finished: Exchange[] = []
  readonly attempts: Attempt[] = []
  /** What features count. */
  readonly metrics = new CountedMetrics()
  readonly bugs: unknown[] = []
  readonly engine: Engine
  readonly upstreams: Upstream[]
  readonly cells = new TestCells()
  readonly snapshot: Snapshot
  readonly route: CompiledRoute
  private readonly held = this.cells.held()
  /** What attempts take of upstreams and endpoints, and waiters. */
  private readonly taken: CellRef[] = []
  private readonly states: { readonly ref: CellRef; readonly name: string }[] = []

  constructor(setUp: EngineSetUp = {}) {
    this.clock = setUp.clock ?? new ManualClock()
    this.eventClock = new EventClock(this.clock)
    this.timers = new TimerWheel(this.clock)
    const random = seededRandom(1)
    const ids = new UuidV7(this.clock, random)
    this.engine = new Engine({
      clock: this.eventClock,
      timers: this.timers,
      random,
      ids,
      ...(setUp.wakeOthers && { wakeOthers: setUp.wakeOthers }),
      recorder: {
        finish: (ex) => void this.finished.push(ex),
        attempt: (at) => void this.attempts.push(at),
        side: () => ({ finish: () => {}, missed: () => {}, refused: () => {} }) as never,
      },
      lostEnd: setUp.lostEnd ?? lostEnd,
      bug: (error) => void this.bugs.push(error),
    })
    this.upstreams = Object.entries(setUp.upstreams ?? { a: 1 }).map(([name, count]) =>
      this.upstream(name, count, setUp),
    )
    this.route = this.compile(setUp)
    this.snapshot = new Snapshot(
      {
        ...HEAD,
        trustedProxies: ['203.0.113.0/24'],
        generation: 1,
        hash: '',
        cells: {},
        upstreams: 1,
        routes: 1,
      },
      { find: () => ({ value: this.route, params: undefined }) } as unknown as RouteTable<CompiledRoute>,
      new Map([[this.route.name, this.route]]),
      new Map(this.upstreams.map((upstream) => [upstream.name, upstream])),
      new Set(),
      new Map(),
      { names: new FieldNames(), random },
    )
    this.engine.current = this.snapshot
  }

  /** Of all endpoints, or those of one upstream: bits of `EndpointState`. */
  setState(bits: number, upstream?: string): void {
    for (const { ref, name } of this.states) if (upstream === undefined || name === upstream) this.cells.set(ref, bits)
  }

  /** Of the first endpoint of an upstream. */
  setFirst(bits: number, upstream: string): void {
    this.cells.set((this.states.find(({ name }) => name === upstream) as { ref: CellRef }).ref, bits)
  }

  /** Requests that the route has in flight. */
  get inFlight(): number {
    return this.cells.space.held(this.held).sum()
  }

  /** Permits and places of attempts and of what waits for a connection, all together. */
  get heldByAttempts(): number {
    return this.taken.reduce((sum, ref) => sum + this.cells.space.held(ref).sum(), 0)
  }

  /** What was decided about the requests that have ended, in order. */
  decided(decision: string): readonly Readonly<Record<string, unknown>>[] {
    const notes = this.finished.flatMap(({ notes }) => notes?.kept ?? [])
    return notes.flatMap((note) => (note.kind === 'decided' && note.decision === decision ? [note.facts] : []))
  }

  /** `from to` of requests that left the upstream that was drawn. */
  get spilled(): readonly string[] {
    return this.decided('spilled').map(({ from, to }) => `${from} ${to}`)
  }

  get latest() {
    return this.transport.latest
  }

  get running() {
    return this.transport.running
  }

  send(method = 'GET', target = '/', headers: readonly string[] = [], body?: string, peer = PEER): Sent {
    const request = { method, target, headers, body: body === undefined ? undefined : Buffer.from(body) }
    const sent: Sent = {
      downstream: new CollectingDownstream(peer, request, 1_000_000, (reply) => {
        sent.reply = reply
        sent.ended = true
      }),
      reply: undefined,
      ended: false,
    }
    this.engine.handle(sent.downstream)
    return sent
  }

  private compile(setUp: EngineSetUp): CompiledRoute {
    const [first, ...others] = this.upstreams as [Upstream, ...Upstream[]]
    const weights = setUp.weights ?? { [first.name]: 1 }
    const to = Object.entries(weights).map(([upstream, weight]) => ({ upstream, weight }))
    const alternates = others.map((upstream) => upstream.name).filter((name) => weights[name] === undefined)
    const features = {
      timeouts: { ...TIMEOUTS, ...setUp.timeouts },
      retries: { ...RETRIES, ...setUp.retries },
      ...(setUp.buffering && { buffering: readOptions(buffering, setUp.buffering) }),
      ...(setUp.hedge && { hedge: setUp.hedge }),
      ...(setUp.spill !== false && { spill: 'auto' }),
    }
    const part = new RouteFeatures(setUp.features ?? FEATURES).plan({ features }, this)
    const upstream = (name: string) => this.upstreams.find((known) => known.name === name) as Upstream
    return {
      name: 'r',
      digest: 'r',
      effect: 'r',
      uses: new Map(),
      // More than the policies of any test have.
      chain: new Chain(this.policies(setUp.policies ?? [], setUp.pressure), { exchange: 8, attempt: 8 }),
      plan: new AttemptPlan(part, to, alternates, upstream),
      limits: part.limit ?? NO_LIMITS,
      latencies: new Latencies(),
      inFlight: this.cells.space.held(this.held),
      record: { finish: () => {}, refused: () => {} },
    }
  }

  /** Among those that act on every route: the last of them comes when a request was let in. */
  private policies(own: readonly Policy[], pressure: Pressure = { stage: 0 }): Policy[] {
    const services = new EngineServices(this.engine, () => EMPTY_CHAIN)
    const lent = featureDeps({ clock: this.clock, pressure, services })
    const common = FEATURES.filter(({ byDefault, keys }) => byDefault === true && keys.root !== undefined)
    const options = common.map((feature) => [feature.name, readOptions(feature, {}, 'root')])
    const head = { ...HEAD, cells: {}, features: Object.fromEntries(options) }
    const features = new RouteFeatures(FEATURES)
    const acting = features.inOrder(features.compileCommon(head, undefined, lent), new Map())
    // What every route has, and that says nothing of upstreams.
    const said = FEATURES.filter(({ byDefault, targets }) => typeof byDefault === 'string' && targets === 0)
    const first = said.flatMap((one) =>
      Object.values(new CompiledUse(one, one.byDefault, { clock: this.clock }).policies),
    )
    return [...first, ...acting.toSpliced(-1, 0, ...own)]
  }

  private upstream(name: string, count: number, setUp: EngineSetUp): Upstream {
    const config: UpstreamConfig = {
      ...UPSTREAM,
      name,
      algorithm: setUp.algorithm ?? 'round-robin',
      balancing: PLAIN,
      connections: { max: 4, maxWaiting: 4, keepAlive: 4000, ...ENDLESS, ...setUp.connections },
      features: {
        ...(setUp.maxAttempts !== undefined && { bulkhead: { maxConcurrent: setUp.maxAttempts } }),
        ...setUp.atUpstreams,
      },
    }
    const cells = upstreamCells(this.cells, config)
    const { inFlight } = (cells.features.bulkhead ?? {}) as { inFlight?: CellRef }
    this.taken.push(cells.waiting, ...(inFlight === undefined ? [] : [inFlight]))
    const relief = this.engine.stalls
    const own = {
      space: this.cells.space,
      clock: this.clock,
      timers: this.timers,
      random: seededRandom(2),
      metrics: this.metrics,
      relief,
      report: setUp.report ?? (() => {}),
    }
    const parts = partsWith(featureDeps(own))
    const upstream = new Upstream(config, cells, {
      ...own,
      transport: this.transport,
      algorithms: algorithmsOf(FEATURES),
      parts,
    })
    upstream.setEndpoints(Array.from({ length: count }, (_, i) => this.endpoint(name, i, setUp)))
    return upstream
  }

  private endpoint(
    upstream: string,
    index: number,
    { atUpstreams = {}, maxConcurrent }: EngineSetUp,
  ): ResolvedEndpoint {
    const cells = endpointCells(this.cells, { name: upstream, features: atUpstreams })
    this.taken.push(cells.inFlight)
    this.states.push({ ref: cells.state, name: upstream })
    return {
      id: `http://${upstream}${index}:80`,
      scheme: 'http',
      address: '127.0.0.1',
      port: 80,
      host: `${upstream}${index}`,
      weight: 1,
      tier: 0,
      zone: undefined,
      maxConcurrent,
      cells,
    }
  }
}
