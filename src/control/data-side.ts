import { createRing, ringDropped } from '../cells/ring.ts'
import type { Config } from '../config/language/config.ts'
import type { AnyFeature } from '../core/feature.ts'
import { type FlightFilter, TAPS_FEED } from '../core/flight.ts'
import { OF_SLUICE } from '../core/link.ts'
import type { ProbeFacts } from './admin/probes.ts'
import type { BoundListener, Part } from './contract.ts'
import { ControlHalves, loadControlHalves } from './control-halves.ts'
import type { DataSideOptions } from './data-side-options.ts'
import { Endpoints } from './endpoints/endpoints.ts'
import { FeatureList } from './feature-list.ts'
import { Generations } from './generations.ts'
import { memoryLeft, memoryShare, workerLimits } from './machine/machine.ts'
import { Profiles } from './operations/profiles.ts'
import { withSecrets } from './operations/reload/secrets.ts'
import { CellRegistry } from './registry/registry.ts'
import { TelemetryExport } from './seeing/export/telemetry.ts'
import { KeptRequests } from './seeing/flights/kept-requests.ts'
import { Taps } from './seeing/flights/taps.ts'
import { type LiveFigures, liveFigures } from './seeing/live/figures.ts'
import type { LogThread } from './seeing/log/log-thread.ts'
import { Forgetting } from './seeing/metrics/forgetting.ts'
import { LostRequests } from './seeing/metrics/lost-requests.ts'
import { routeGauges } from './seeing/metrics/route-gauges.ts'
import { Feeds } from './workers/feeds.ts'
import { Lasting, type LastingOptions, rowOf } from './workers/lasting.ts'
import { Links, type LinksOptions } from './workers/links.ts'
import { Listeners } from './workers/listeners.ts'
import { Notices } from './workers/notices.ts'
import { processLoad } from './workers/process-load.ts'
import { Supervisor } from './workers/supervisor.ts'

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
  readonly features: FeatureList
  readonly profiles: Profiles
  private readonly options: DataSideOptions
  private readonly generations: Generations
  private readonly telemetry: TelemetryExport
  private readonly rings: readonly SharedArrayBuffer[]
  private readonly openings: Listeners
  private readonly parts: readonly Part[]
  private logs: LogThread | undefined = undefined

  constructor(options: DataSideOptions) {
    const { clock, config, log, machine, metrics, onLost, ownMetrics, random, reusePort, testHooks } = options
    const { startWorker, stores, workers } = options
    this.options = options
    this.features = new FeatureList(options.features)
    const features = this.features.all
    // One number more: for the worker that takes the place of another, see `Replacement`.
    const registry = new CellRegistry(workers + 1)
    this.registry = registry
    this.rings = options.startLogs === undefined ? [] : Array.from({ length: registry.workers }, createRing)
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
    const find: LinksOptions['find'] = (feature, name) => stores.answerTo(name) ?? this.halves.answer(feature, name)
    const links = new Links({ find, clock, log })
    stores.follow(links)
    this.supervisor = new Supervisor({
      conversations: [this.feeds, links],
      goesWithout: (feeds) => this.feeds.missed(feeds),
      startWorker,
      state: stores.folder,
      plugins: config.plugins,
      reads: config.reads,
      workers,
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
    this.profiles = new Profiles(supervisor.crew.slots, { room: () => memoryLeft(machine), clock })
    this.generations = new Generations({
      registry,
      features: this.features,
      book: this.endpoints.book,
      supervisor,
      clock,
    })
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
    // Those of features may be of plug-ins, and are others after a reload.
    const ofFeatures: readonly Part[] = [this.notices, this.lasting, this.halves]
    for (const part of this.parts) if (!ofFeatures.includes(part)) metrics.add(part.gauges ?? {})
    for (const part of ofFeatures) metrics.follow(() => part.gauges ?? {})
    metrics.follow(() => routeGauges(features, registry, () => this.generations.routes))
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
   *
   * @param features what it is written in
   */
  async apply(config: Config, features: readonly AnyFeature[] = this.features.all): Promise<void> {
    const { env, metrics } = this.options
    const halves = features === this.features.all ? undefined : await loadControlHalves(features)
    const lean = await withSecrets(config, env)
    const renewTelemetry = await this.telemetry.prepare(config)
    await this.openings.check(lean.listeners)
    const unlearn = metrics.extend(features)
    const end = this.halves.begin(halves ?? [])
    try {
      this.halves.expect(lean)
      await this.endpoints.watch([...(this.generations.live?.config.lean.upstreams ?? []), ...lean.upstreams])
      await this.generations.swap(config, lean, features)
      if (halves !== undefined) this.halves.become(halves)
      this.halves.applied()
      renewTelemetry()
    } catch (error) {
      end()
      unlearn()
      throw error
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
      workers: this.options.workers,
      workersServing: crew.present.filter((slot) => slot.state === 'serving').length,
      upstreamsDown: this.endpoints.upstreamsDown,
    }
  }

  /** What every route and upstream has counted so far, and how they are now. */
  figures(): LiveFigures {
    const { endpoints, generations, lasting, notices, options, registry, supervisor } = this
    const { clock, metrics } = options
    const features = this.features.all
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
