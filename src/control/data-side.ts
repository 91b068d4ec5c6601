import { hash as hashOf } from 'node:crypto'
import { createRing } from '../cells/ring.ts'
import type { Config } from '../config/language/config.ts'
import type { LeanConfig } from '../core/config.ts'
import type { AnyFeature } from '../core/feature.ts'
import type { LeanRoute } from '../core/protocol.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import type { ProbeFacts } from './admin/probes.ts'
import type { BoundListener } from './contract.ts'
import { ControlHalves, type LoadedHalf, usesOf } from './control-halves.ts'
import { EndpointBook } from './endpoints/book.ts'
import { EndpointCare } from './endpoints/care.ts'
import { Discovery } from './endpoints/discovery/discovery.ts'
import type { OwnAddress } from './endpoints/discovery/own.ts'
import { OwnEndpoints } from './endpoints/discovery/own-endpoints.ts'
import { Outliers } from './endpoints/outliers.ts'
import { countStates, panics } from './endpoints/state.ts'
import { type Machine, memoryShare, workerLimits } from './machine/machine.ts'
import { breakersOf } from './operations/breakers.ts'
import { turn } from './operations/reload/judge.ts'
import { withSecrets } from './operations/reload/secrets.ts'
import type { Lease } from './registry/lease.ts'
import { CellRegistry } from './registry/registry.ts'
import { TelemetryExport } from './seeing/export/telemetry.ts'
import { FlightLog } from './seeing/flights/flight-log.ts'
import { Taps } from './seeing/flights/taps.ts'
import { type LiveFigures, liveFigures } from './seeing/live/figures.ts'
import type { LogThread } from './seeing/log/log-thread.ts'
import { controlMetrics } from './seeing/metrics/control-metrics.ts'
import { Forgetting } from './seeing/metrics/forgetting.ts'
import { addGauges, type GaugeSources } from './seeing/metrics/gauges.ts'
import { LostRequests } from './seeing/metrics/lost-requests.ts'
import type { MetricsRegistry } from './seeing/metrics/metrics-registry.ts'
import { Objectives } from './seeing/metrics/objectives.ts'
import { Listeners } from './workers/listeners.ts'
import { Notices } from './workers/notices.ts'
import { OverloadGuard } from './workers/overload-guard.ts'
import { Supervisor } from './workers/supervisor.ts'

/** Some milliseconds. */
const ROUTES_AT_ONCE = 200

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
  readonly workerEntry: URL
  readonly testHooks: boolean
  readonly startLogs: (rings: readonly SharedArrayBuffer[], onError: (error: unknown) => void) => LogThread
  readonly metrics: MetricsRegistry
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Addresses of the control plane, which no upstream may have. */
  readonly own: () => readonly OwnAddress[]
  readonly onLost: () => void
  /** The latest attempt to load a config succeeded. */
  readonly lastReloadOk: () => boolean
}

interface Live {
  readonly generation: number
  readonly hash: string
  readonly routes: readonly LeanRoute[]
  readonly cells: Lease
  readonly loadedAt: number
  readonly config: Config
}

/** The workers and what they are fed with: cells, config, resolved names, rings for their logs. */
export class DataSide {
  readonly registry: CellRegistry
  readonly supervisor: Supervisor
  readonly book: EndpointBook
  readonly halves: ControlHalves
  readonly care: EndpointCare
  readonly objectives: Objectives
  readonly flights: FlightLog
  readonly taps: Taps
  readonly notices: Notices
  private readonly outliers: Outliers
  private readonly overload: OverloadGuard
  private readonly telemetry: TelemetryExport
  private readonly options: DataSideOptions
  private readonly discovery: Discovery
  private readonly forgetting: Forgetting
  private readonly rings: readonly SharedArrayBuffer[]
  private readonly openings: Listeners
  private readonly cells: Lease
  private readonly gauges: GaugeSources
  private logs: LogThread | undefined = undefined
  private generation = 0
  private live: Live | undefined = undefined

  constructor(options: DataSideOptions) {
    const { config, workers, workerEntry, clock, log, machine, metrics, onLost, random, reusePort, testHooks } = options
    this.options = options
    this.registry = new CellRegistry(workers)
    this.cells = this.registry.lease()
    this.notices = new Notices(log)
    this.flights = new FlightLog(() => this.config.lean.flightRecorder?.entries ?? 0)
    this.taps = new Taps({
      clock,
      routes: () => this.config.lean.routes.map(({ name }) => name),
      tell: (filters) => this.supervisor.tap(filters),
    })
    this.rings = Array.from({ length: workers }, createRing)
    this.forgetting = new Forgetting(clock, (id) => metrics.forget(id))
    const own = controlMetrics(metrics)
    this.telemetry = new TelemetryExport({ ...options, registry: metrics, metrics: own })
    this.discovery = new Discovery({
      config,
      clock,
      log,
      renamed: (name) => this.book.renew(name),
      rediscovered: (upstream) => this.book.rediscovered(upstream),
      looked: (upstream, ok) => {
        own.counter('sluice_discovery_refreshes_total', [upstream, ok ? 'ok' : 'failed']).inc()
      },
    })
    const lost = new LostRequests({
      metrics: own,
      objectives: (route) => this.live?.routes.find(({ name }) => name === route)?.slo,
      log,
    })
    const ours = new OwnEndpoints(options.own, log)
    this.book = new EndpointBook({
      registry: this.registry,
      addressesOf: (name) => this.discovery.addresses(name),
      discovered: (upstream) => this.discovery.found(upstream),
      refuses: (upstream, located) => ours.refuses(upstream, located),
      publish: (sets) => this.supervisor.updateEndpoints(sets),
      onLeft: (id) => this.forgetting.left(id),
      onBack: (id) => this.forgetting.back(id),
      onChange: () => {
        this.care.follow()
        this.halves.endpointsChanged()
      },
    })
    this.care = new EndpointCare({
      book: this.book,
      registry: this.registry,
      metrics: own,
      clock,
      random,
      log,
      passed: (cells) => this.outliers.passed(cells),
    })
    this.supervisor = new Supervisor({
      entry: workerEntry,
      registry: this.registry,
      rings: this.rings,
      metrics,
      notices: this.notices,
      flights: (flights) => this.flights.take(flights),
      tapped: (requests, lost) => this.taps.take(requests, lost),
      spans: (records) => this.telemetry.take(records),
      requestsLost: (worker, reason, requests) => lost.take(worker, reason, requests),
      limits: workerLimits(machine, workers),
      reusePort,
      testHooks,
      clock,
      log,
      onLost,
    })
    this.outliers = new Outliers({
      registry: this.registry,
      upstreams: () => this.book.upstreams,
      clock,
      random,
      report: (notice) => this.notices.take(notice),
    })
    this.overload = new OverloadGuard({
      limits: () => this.config.overload,
      registry: this.registry,
      workers: this.supervisor.crew.slots,
      memory: () => memoryShare(machine),
      sockets: () => this.openSockets() / machine.files,
      clock,
      log,
    })
    this.openings = new Listeners({ supervisor: this.supervisor, reusePort, own: options.own, log })
    this.halves = new ControlHalves({
      loaded: options.halves,
      routes: () => this.live?.routes ?? [],
      endpoints: (upstream) => this.book.of(upstream),
      look: this.registry,
      metrics: own,
      counted: (metric, labels) => metrics.count(metric, labels),
      report: (notice) => this.notices.take(notice),
      clock,
      random,
      log,
    })
    this.objectives = new Objectives({
      clock,
      routes: () => this.live?.routes ?? [],
      count: (labels) => metrics.count('sluice_slo_events_total', labels),
    })
    this.gauges = this.gaugeSources()
    addGauges(metrics, this.gauges)
  }

  /** Starts workers, resolves names, makes the config live and opens the listeners. */
  async start(): Promise<void> {
    const { config, log, startLogs } = this.options
    this.logs = startLogs(this.rings, (error) => log.error('the log thread failed', { error }))
    await this.openings.check(config.lean.listeners)
    await Promise.all([this.supervisor.start(), this.discovery.watch(config.lean.upstreams)])
    await this.apply(config)
    this.outliers.start()
    this.overload.start()
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
    await this.discovery.watch([...(this.live?.config.lean.upstreams ?? []), ...lean.upstreams])
    try {
      await this.swap(config, lean)
      renewTelemetry()
    } finally {
      void this.discovery.watch(this.config.lean.upstreams)
    }
    await this.openings.change(lean.listeners, config.drain.timeout)
  }

  /** The live one; before the first is live the one to come. */
  get config(): Config {
    return this.live?.config ?? this.options.config
  }

  get listeners(): readonly BoundListener[] {
    return this.openings.bound
  }

  private async swap(config: Config, lean: LeanConfig): Promise<void> {
    const { hash } = config
    const generation = ++this.generation
    const cells = this.registry.lease()
    const routes: LeanRoute[] = []
    for (const route of lean.routes) {
      // Thousands of them would hold the loop for long.
      if (routes.length % ROUTES_AT_ONCE === ROUTES_AT_ONCE - 1) await turn()
      const cellsOf = cells.route(route, this.options.features)
      // Neither an objective nor how it is logged changes a request: what the route has learnt stays.
      const digest = hashOf('sha1', JSON.stringify({ ...route, slo: undefined, accessLog: undefined }))
      routes.push({ ...route, cells: cellsOf, digest })
    }
    const draft = this.book.draft(lean.upstreams)
    const endpoints = new Map(Array.from(draft, ([name, page]) => [name, page.set]))
    try {
      await this.supervisor.apply({ generation, hash, lean, routes, cutAfter: config.drain.timeout, endpoints })
    } catch (error) {
      cells.release({ generation: 0, update: 0 })
      this.book.drop(draft)
      throw error
    }
    this.live?.cells.release({ generation, update: 0 })
    this.live = { generation, hash, routes, cells, loadedAt: this.options.clock.wall(), config }
    this.book.adopt(draft, { generation, update: 0 })
    this.halves.applied()
  }

  get liveGeneration(): number {
    return this.live?.generation ?? 0
  }

  facts({ configStale, draining }: Pick<ProbeFacts, 'draining' | 'configStale'>): ProbeFacts {
    const { crew } = this.supervisor
    let upstreamsDown = 0
    for (const { set } of this.book.upstreams) if (!this.care.isUp(set)) upstreamsDown++
    return {
      configured: this.live !== undefined,
      listening: this.listeners.length > 0,
      draining,
      configStale,
      silence: crew.silence,
      loopAge: crew.loopAge,
      replacingFails: crew.replacingFails,
      workers: crew.slots.length,
      workersServing: crew.slots.filter((slot) => slot.state === 'serving').length,
      upstreamsDown,
    }
  }

  /** What every route and upstream has counted so far, and how they are now. */
  figures(): LiveFigures {
    const { book, gauges, live, options, registry } = this
    const { clock, metrics } = options
    const { name: gateway } = this.config.lean.gateway
    return liveFigures({ ...gauges, clock, metrics, book, registry, gateway, generation: live?.generation ?? 0 })
  }

  /** Ends threads and timers; access logs are written out first. */
  async close(): Promise<void> {
    this.discovery.close()
    this.care.close()
    this.forgetting.close()
    this.halves.close()
    this.outliers.close()
    this.overload.close()
    this.objectives.close()
    await this.supervisor.stop()
    await Promise.all([this.telemetry.close(), this.logs?.stop()])
  }

  private openSockets(): number {
    const { book, cells, registry } = this
    let open = 0
    for (const name of this.openings.names) open += registry.sum(cells.listener(name))
    for (const { set } of book.upstreams)
      for (const endpoint of set.endpoints) open += registry.sum(endpoint.cells.connections)
    return open
  }

  private gaugeSources(): GaugeSources {
    const { version } = this.options
    const { book, cells, halves, notices, objectives, registry, rings, supervisor } = this
    return {
      version,
      node: process.versions.node,
      crew: supervisor.crew,
      rings,
      features: this.options.features,
      look: registry,
      routes: () => this.live?.routes ?? [],
      listeners: () => this.openings.names.map((name) => [name, cells.listener(name)] as const),
      endpoints: () => Array.from(book.upstreams, ({ set }) => [set.upstream, countStates(registry, set)] as const),
      waiters: () => Array.from(book.upstreams, ({ set }) => [set.upstream, set.cells.waiting] as const),
      config: () => this.live,
      lastReloadOk: this.options.lastReloadOk,
      breakers: () => breakersOf(usesOf('circuitBreaker', this.live?.routes ?? []), registry),
      halves: halves.gauges,
      notices,
      objectives,
      overload: () => this.overload.all(),
      panics: () =>
        Array.from(book.upstreams, ({ config, set }) => [set.upstream, panics(registry, config, set)] as const),
    }
  }
}
