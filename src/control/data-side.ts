import { createRing, ringDropped } from '../cells/ring.ts'
import type { Config } from '../config/language/config.ts'
import type { AnyFeature } from '../core/feature.ts'
import { type FlightFilter, TAPS_FEED } from '../core/flight.ts'
import { OF_SLUICE } from '../core/link.ts'
import type { WorkerMetrics } from '../core/series.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import type { Stores } from '../stores/stores.ts'
import type { ProbeFacts } from './admin/probes.ts'
import type { BoundListener, Part } from './contract.ts'
import { ControlHalves, type LoadedHalf } from './control-halves.ts'
import { Endpoints } from './endpoints/endpoints.ts'
import type { OwnAddress } from './endpoints/finding/own.ts'
import { Generations } from './generations.ts'
import { type Machine, memoryShare, workerLimits } from './machine/machine.ts'
import { withSecrets } from './operations/reload/secrets.ts'
import { CellRegistry } from './registry/registry.ts'
import { TelemetryExport } from './seeing/export/telemetry.ts'
import { KeptRequests } from './seeing/flights/kept-requests.ts'
import { Taps } from './seeing/flights/taps.ts'
import { type LiveFigures, liveFigures } from './seeing/live/figures.ts'
import type { LogThread } from './seeing/log/log-thread.ts'
import { Forgetting } from './seeing/metrics/forgetting.ts'
import { LostRequests } from './seeing/metrics/lost-requests.ts'
import type { MetricsRegistry } from './seeing/metrics/metrics-registry.ts'
import { routeGauges } from './seeing/metrics/route-gauges.ts'
import { Feeds } from './workers/feeds.ts'
import { Lasting, type LastingOptions, rowOf } from './workers/lasting.ts'
import { Links } from './workers/links.ts'
import { Listeners } from './workers/listeners.ts'
import { Notices, type StateChange } from './workers/notices.ts'
import { processLoad } from './workers/process-load.ts'
import type { StartWorker } from './workers/running-worker.ts'
import { Supervisor } from './workers/supervisor.ts'

export interface DataSideOptions {
  readonly config: Config
  /** Where secrets may be. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly version: string
  readonly features: readonly AnyFeature[]
  /** Of these. */
  readonly halves: readonly LoadedHalf[]
  readonly workers: number
  readonly reusePort: boolean
  readonly machine: Machine
  readonly startWorker: StartWorker
  readonly testHooks: boolean
  /** Moves access logs out of the rings; undefined: there is no access log. */
  readonly startLogs:
    | ((rings: readonly SharedArrayBuffer[], onError: (error: unknown) => void) => LogThread)
    | undefined
  /** V8 is left as it is, whatever the config says. */
  readonly guest?: boolean
  readonly metrics: MetricsRegistry
  /** What the control plane itself counts in. */
  readonly ownMetrics: WorkerMetrics
  readonly stores: Stores
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly told?: { state(change: StateChange): void } | undefined
  /** Addresses of the control plane, which no upstream may have. */
  readonly own: () => readonly OwnAddress[]
  readonly onLost: () => void
}

/** The workers and what they are fed with: cells, config, resolved names, rings for their logs. */
export class DataSide {
  readonly registry: CellRegistry
  readonly supervisor: Supervisor
  readonly endpoints: Endpoints
  readonly lasting: Lasting
  readonly halves: ControlHalves
  readonly requests: KeptRequests
  readonly taps: Taps
  readonly notices: Notices
  readonly feeds: Feeds
  private readonly options: DataSideOptions
  private readonly generations: Generations
  private readonly telemetry: TelemetryExport
  private readonly rings: readonly SharedArrayBuffer[]
  private readonly openings: Listeners
  private readonly parts: readonly Part[]
  private logs: LogThread | undefined = undefined

  constructor(options: DataSideOptions) {
    const { clock, config, features, log, machine, metrics, onLost, ownMetrics, random, reusePort, testHooks } = options
    const { startWorker, stores, workers } = options
    this.options = options
    const registry = new CellRegistry(workers)
    this.registry = registry
    this.rings = options.startLogs === undefined ? [] : Array.from({ length: workers }, createRing)
    this.notices = new Notices(log, clock, features, (change) => options.told?.state(change))
    const entries = (): number => this.config.lean.flightRecorder?.entries ?? 0
    this.requests = new KeptRequests({ entries, stores, metrics: ownMetrics, clock, log })
    this.feeds = new Feeds({ clock, log })
    const taps = this.feeds.of<readonly FlightFilter[]>(OF_SLUICE, TAPS_FEED)
    this.taps = new Taps({
      clock,
      routes: () => this.config.lean.routes.map(({ name }) => name),
      tell: taps.publish,
    })
    const forgetting = new Forgetting(clock, (id) => metrics.forget(id))
    this.telemetry = new TelemetryExport({ ...options, registry: metrics, metrics: ownMetrics })
    this.endpoints = new Endpoints({
      config,
      registry,
      features,
      metrics: ownMetrics,
      sources: () => this.halves.sources,
      own: options.own,
      publish: (sets) => this.supervisor.updateEndpoints(sets),
      left: (id) => forgetting.left(id),
      back: (id) => forgetting.back(id),
      changed: () => this.halves.endpointsChanged(),
      kept: stores.kept,
      clock,
      log,
    })
    const lost = new LostRequests({
      metrics: ownMetrics,
      tell: (route, requests) => this.halves.requestsLost(route, requests),
      log,
    })
    const links = new Links({ find: (feature, name) => this.halves.answer(feature, name), clock, log })
    this.supervisor = new Supervisor({
      conversations: [this.feeds, links],
      goesWithout: (feeds) => this.feeds.missed(feeds),
      startWorker,
      plugins: config.plugins,
      registry,
      rings: this.rings,
      metrics,
      notices: this.notices,
      flights: (flights) => this.requests.flights.take(flights),
      tapped: (requests, lost) => this.taps.take(requests, lost),
      spans: (records) => this.telemetry.take(records),
      requestsLost: (worker, reason, requests) => lost.take(worker, reason, requests),
      limits: workerLimits(machine, workers),
      reusePort,
      earlyCollection: config.earlyCollection && options.guest !== true,
      testHooks,
      clock,
      log,
      onLost,
    })
    const { supervisor } = this
    this.generations = new Generations({ registry, features, book: this.endpoints.book, supervisor, clock })
    this.openings = new Listeners({ supervisor, registry, reusePort, own: options.own, log })
    const uses = (feature: AnyFeature) => this.generations.usesOf(feature)
    const drained: LastingOptions['drained'] = (...of) => this.endpoints.care.drains.why(...of)
    const others = () => this.feeds.states()
    this.lasting = new Lasting({ features, uses, drained, look: registry, notices: this.notices, others })
    this.halves = new ControlHalves({
      loaded: options.halves,
      stores,
      feeds: this.feeds,
      links,
      uses,
      states: (feature) => Array.from(this.lasting.of(feature), rowOf),
      endpoints: (upstream) => this.endpoints.book.of(upstream),
      upstream: (name) => this.endpoints.book.configOf(name),
      marked: () => this.endpoints.care.look(),
      look: registry,
      load: processLoad(supervisor.crew.slots, registry, {
        memory: () => memoryShare(machine),
        sockets: () => this.openSockets() / machine.files,
      }),
      metrics: ownMetrics,
      counted: (metric, labels) => metrics.count(metric, labels),
      report: (notice) => this.notices.take(notice),
      clock,
      random,
      log,
    })
    this.parts = [
      { gauges: routeGauges(features, registry, () => this.generations.routes) },
      { gauges: supervisor.crew.gauges },
      { gauges: { sluice_log_dropped_total: () => [{ labels: [], value: this.linesDropped }] } },
      this.openings,
      this.endpoints,
      this.generations,
      this.notices,
      this.lasting,
      this.halves,
      links,
      this.feeds,
      forgetting,
    ]
    for (const { gauges } of this.parts) metrics.add(gauges ?? {})
  }

  /** Starts workers, resolves names and makes the config live; no listener is open yet. */
  async start(): Promise<void> {
    const { config, log, startLogs } = this.options
    await this.requests.restore()
    this.logs = startLogs?.(this.rings, (error) => log.error('the log thread failed', { error }))
    await Promise.all([this.supervisor.start(), this.endpoints.watch(config.lean.upstreams)])
    await this.apply(config)
  }

  /** Opens the listeners, and from now on those of every config that becomes live. Rejects if one cannot be opened. */
  listen(): Promise<void> {
    return this.openings.begin(this.config.lean.listeners)
  }

  /**
   * Makes a config live in every worker, or rejects and changes nothing. Requests on routes that have changed or gone may
   * finish within `drain.timeout`.
   */
  async apply(config: Config): Promise<void> {
    const { env } = this.options
    const lean = await withSecrets(config, env)
    const renewTelemetry = await this.telemetry.prepare(config)
    await this.openings.check(lean.listeners)
    this.halves.expect(lean)
    await this.endpoints.watch([...(this.generations.live?.config.lean.upstreams ?? []), ...lean.upstreams])
    try {
      await this.generations.swap(config, lean)
      this.halves.applied()
      renewTelemetry()
    } finally {
      void this.endpoints.watch(this.config.lean.upstreams)
    }
    await this.openings.change(lean.listeners, config.drain.timeout)
  }

  /** The live config; before the first is live, the one to come. */
  get config(): Config {
    return this.generations.live?.config ?? this.options.config
  }

  get listeners(): readonly BoundListener[] {
    return this.openings.bound
  }

  /** Of the live config; 0: none is live yet. */
  get generation(): number {
    return this.generations.live?.generation ?? 0
  }

  facts({ configStale, draining }: Pick<ProbeFacts, 'draining' | 'configStale'>): ProbeFacts {
    const { crew } = this.supervisor
    return {
      configured: this.generation > 0,
      listening: this.listeners.length > 0,
      draining,
      configStale,
      silence: crew.silence,
      loopAge: crew.loopAge,
      replacingFails: crew.replacingFails,
      workers: crew.slots.length,
      workersServing: crew.slots.filter((slot) => slot.state === 'serving').length,
      upstreamsDown: this.endpoints.upstreamsDown,
    }
  }

  /** What every route and upstream has counted so far, and how they are now. */
  figures(): LiveFigures {
    const { endpoints, generations, lasting, notices, options, registry, supervisor } = this
    const { clock, features, metrics } = options
    return liveFigures({
      clock,
      metrics,
      features,
      registry,
      book: endpoints.book,
      crew: supervisor.crew,
      notices,
      states: lasting.all(),
      why: (...of) => lasting.endpoint(...of),
      gateway: this.config.lean.gateway.name,
      live: generations.live,
    })
  }

  /** Ends threads and timers; access logs are written out first. */
  async close(): Promise<void> {
    for (const part of this.parts) part.close?.()
    await this.supervisor.stop()
    await Promise.all([this.telemetry.close(), this.logs?.stop(), this.requests.close()])
  }

  private openSockets(): number {
    let open = this.endpoints.connections
    for (const [, connections] of this.openings.connections()) open += connections
    return open
  }

  private get linesDropped(): number {
    return this.rings.reduce((lines, ring) => lines + ringDropped(ring), 0)
  }
}
