import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../config/language/config.ts'
import { FileWatch } from '../config/sources/file-watch.ts'
import type { AnyFeature } from '../core/feature.ts'
import type { Operation } from '../core/operation.ts'
import { type PluginModule, sameCode } from '../core/plugin.ts'
import type { Store } from '../core/store.ts'
import type { Clock } from '../lib/clock.ts'
import type { LeveledLog } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import type { Node } from '../schema/node.ts'
import { GATEWAY, Stores } from '../stores/stores.ts'
import { type AdminPlane, openAdminPlane } from './admin/admin-plane.ts'
import { errorStatus } from './admin/call.ts'
import type { OperatedParts } from './all-operations.ts'
import type { Bound, BoundListener, ConfigChange, Trigger } from './contract.ts'
import { loadControlHalves } from './control-halves.ts'
import { DataSide } from './data-side.ts'
import type { DataSideOptions } from './data-side-options.ts'
import { type Machine, workerCount } from './machine/machine.ts'
import { reusePortWorks } from './machine/sockets.ts'
import { stateDirOf } from './machine/state-dir.ts'
import { Auditing } from './operations/audit/auditing.ts'
import { AUDIT_FOLDER } from './operations/audit/folder.ts'
import { Drain, type DrainKind } from './operations/drain.ts'
import { LogLevel } from './operations/log-level.ts'
import { Archive } from './operations/reload/archive.ts'
import { takeOverFiles } from './operations/reload/archive-files.ts'
import type { Judging, StartJudge } from './operations/reload/judge.ts'
import { keeping } from './operations/reload/keeping.ts'
import { lastGoodIn } from './operations/reload/last-good-file.ts'
import type { ReloadOutcome } from './operations/reload/reload-outcome.ts'
import { Reloader, type ReloaderOptions } from './operations/reload/reloader.ts'
import { sourceGauges } from './operations/reload/source-gauges.ts'
import { type Status, type StatusSources, statusBody } from './operations/status.ts'
import { LiveFeed } from './seeing/live/feed.ts'
import { linksOf, type Surroundings } from './seeing/live/frame.ts'
import { controlMetrics } from './seeing/metrics/control-metrics.ts'
import { MetricsRegistry } from './seeing/metrics/metrics-registry.ts'
import { tablesOf } from './workers/lasting.ts'
import type { StateChange } from './workers/notices.ts'
import type { StartWorker } from './workers/running-worker.ts'

export interface GatewayDeps {
  readonly version: string
  /** All, those of the plug-ins of the first config among them. */
  readonly features: readonly AnyFeature[]
  /** Modules that are part of each config, besides those that it names. */
  readonly plugins: readonly PluginModule[]
  readonly clock: Clock
  readonly random: Random
  readonly log: LeveledLog
  /** A line on stderr outside the log: for a secret that is shown once. */
  readonly notice: (line: string) => void
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  /** Where state is kept, whatever the config says; undefined: where that says. */
  readonly stateDir?: string | undefined
  readonly machine: Machine
  /** In place of the number that the config says. */
  readonly workers?: number
  readonly startWorker: StartWorker
  readonly startLogs: DataSideOptions['startLogs']
  /** The process belongs to another program: it is not measured, V8 is left as it is, and without `stateDir` nothing is written. */
  readonly guest?: boolean
  /** Told of each config that was loaded, and of each change of what lasts. */
  readonly told?: Told | undefined
  /** Operations of operators besides those of every gateway. */
  readonly operations: readonly Operation[]
  /** How the config can be loaded again; undefined: it stays as it is. */
  readonly reload: ReloadSource | undefined
  readonly testHooks: boolean
}

/** Where configs come from, and what the first one was read from. */
export interface ReloadSource extends Pick<ReloaderOptions, 'source' | 'env' | 'origin' | 'refused' | 'documents'> {
  /** Files of this machine. */
  readonly sources: readonly string[]
  /** What the first config was made of. */
  readonly tree: Node
  /** What `signatureOf` returned for them before they were read. */
  readonly signature: string
  readonly startJudge: StartJudge
  /** What a config is written in. Rejects with what is wrong with a plug-in. */
  readonly featuresOf: (config: Config) => Promise<readonly AnyFeature[]>
}

/** What is going on, for the program around the gateway. */
export interface Told {
  config(change: ConfigChange): void
  state(change: StateChange): void
}

/** Facts to report once the gateway serves. */
export interface StartedFacts {
  readonly listeners: readonly BoundListener[]
  readonly admin: Bound
  readonly probes: Bound | undefined
  /** Of the token that was made because the config has none; undefined: it has, or it could not be stored. */
  readonly tokenFile: string | undefined
  readonly workers: number
  /** What decided the number of workers. */
  readonly workersBound: string
}

/** A gateway that does not run yet. */
interface Prepared extends Pick<StartedFacts, 'workers' | 'workersBound'> {
  readonly operated: OperatedParts
}

/** The gateway: workers, admin plane and shutdown, put together. Starts once. */
export class Gateway {
  /** Resolves with the exit code when the gateway should end: no worker has served for 30 s. */
  readonly lost: Promise<number>
  private readonly first: Config
  private readonly deps: GatewayDeps
  private readonly metrics: MetricsRegistry
  private readonly leaving: Drain
  private readonly logLevel: LogLevel
  private readonly startedAt: number
  private stores: Stores | undefined = undefined
  private side: DataSide | undefined = undefined
  private begun = false
  private plane: AdminPlane | undefined = undefined
  private judge: Judging | undefined = undefined
  private reloader: Reloader | undefined = undefined
  private watch: FileWatch | undefined = undefined
  private unwatch: (() => void) | undefined = undefined
  private feed: LiveFeed | undefined = undefined
  private readonly lose: (code: number) => void

  constructor(config: Config, deps: GatewayDeps) {
    const { clock, features, log } = deps
    const lost = Promise.withResolvers<number>()
    this.first = config
    this.deps = deps
    this.metrics = new MetricsRegistry(clock, features, deps.guest !== true)
    this.metrics.add({
      sluice_build_info: () => [{ labels: [deps.version, process.versions.node], value: 1 }],
      sluice_config_last_reload_successful: () => [{ labels: [], value: this.configStale ? 0 : 1 }],
    })
    if (deps.reload !== undefined) this.metrics.add(sourceGauges(deps.reload.source))
    this.startedAt = clock.now()
    this.logLevel = new LogLevel(log, clock, config.logging.level)
    this.lost = lost.promise
    this.lose = lost.resolve
    this.leaving = new Drain({
      times: () => this.config.drain,
      clock,
      log,
      polite: () => this.side?.supervisor.drain(),
      unlisten: (ms) => this.side?.supervisor.unlisten(ms) ?? Promise.resolve(),
      cut: () => this.side?.supervisor.cut(),
      close: () => this.close(),
    })
  }

  /**
   * With admin API, probes and listeners; resolves when all are open. Rejects with what is wrong, for operators; nothing is
   * left running then.
   */
  start(): Promise<StartedFacts> {
    return this.orNothing(async () => {
      const { operated, workers, workersBound } = await this.prepare()
      const { admin, probes, tokenFile } = await this.openPlane(operated)
      await this.run(operated)
      const listeners = await this.listen()
      // Not before: a config whose listeners cannot be opened is no good one, and the disk may be slow.
      await this.follow(operated)
      return { listeners, admin, probes, tokenFile, workers, workersBound }
    })
  }

  /** The same without listeners, which {@link listen} opens, and with the admin API on demand. */
  begin({ admin }: { readonly admin: boolean }): Promise<void> {
    return this.orNothing(async () => {
      const { operated } = await this.prepare()
      if (admin) await this.openPlane(operated)
      await this.run(operated)
      await this.follow(operated)
    })
  }

  private async orNothing<T>(open: () => Promise<T>): Promise<T> {
    try {
      return await open()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Rejects with what is wrong, for operators; none is open then. */
  async listen(): Promise<readonly BoundListener[]> {
    await this.side?.listen()
    return this.side?.listeners ?? []
  }

  /** Drains; resolves with the exit code. Called again at least 1 s after the first time it resolves with 1 at once. */
  drain(kind: DrainKind): Promise<number> {
    return this.leaving.signal(kind)
  }

  /**
   * Asks the source of the config again. undefined: there is none, or the gateway does not serve. Rejects with {@link
   * ReloadBusy}.
   */
  async reload(trigger: Trigger): Promise<ReloadOutcome | undefined> {
    return this.serves ? this.reloader?.reload(trigger) : undefined
  }

  /** Another config, until the next reload: YAML in the place of the main file. As {@link reload}. */
  async put(yaml: string): Promise<ReloadOutcome | undefined> {
    return this.serves ? this.reloader?.put(yaml) : undefined
  }

  /** What `/api/v1/status` says. */
  status(): Status {
    return statusBody(this.statusSources(this.side as DataSide), (this.side as DataSide).features.all)
  }

  private get serves(): boolean {
    return this.begun && this.leaving.state === 'serving'
  }

  /** For tests: makes a worker misbehave. Only with `testHooks`. */
  hook(worker: number, hook: 'block' | 'throw' | 'exit', ms = 0): void {
    this.side?.supervisor.hook(worker, hook, ms)
  }

  private async prepare(): Promise<Prepared> {
    const { first: config, deps, metrics } = this
    const stateDir = this.stateDir()
    const own = controlMetrics(metrics)
    const stores = await Stores.open({ folder: stateDir, metrics: own, clock: deps.clock, log: deps.log })
    this.stores = stores
    metrics.add(stores.gauges)
    const reusePort = await reusePortWorks()
    const { count, bound } = workerCount(deps.workers ?? config.workers, deps.machine, reusePort)
    if (!reusePort) deps.log.warn('one worker only: this system does not let several share a port')
    const side = new DataSide({
      ...deps,
      halves: await loadControlHalves(deps.features),
      config,
      workers: count,
      reusePort,
      metrics,
      ownMetrics: own,
      stores,
      own: () => [this.plane?.admin, this.plane?.probes].filter((address) => address !== undefined),
      onLost: () => {
        deps.log.error('no worker has served for 30 s: giving up')
        this.lose(1)
      },
    })
    this.side = side
    const state = stores.of('state', GATEWAY)
    const archive = new Archive(state)
    if (stateDir !== undefined) await takeOverFiles(stateDir, archive, { durable: stores.durable, log: deps.log })
    const auditing = this.auditingOf(stateDir, state)
    await auditing.index?.load()
    const reloader = deps.reload && this.reloaderOf(deps.reload, side, archive, auditing)
    this.reloader = reloader
    const feed = new LiveFeed({ clock: deps.clock, figures: () => side.figures(), around: () => this.surroundings() })
    this.feed = feed
    const operated: OperatedParts = {
      features: [...side.features.all],
      brought: [...side.halves.operations, ...deps.operations],
      side,
      status: () => this.statusSources(side),
      feed,
      logLevel: this.logLevel,
      auditing,
      archive,
      reloader,
    }
    return { operated, workers: count, workersBound: bound }
  }

  private async openPlane(operated: OperatedParts): Promise<AdminPlane> {
    const { deps, first: config, metrics } = this
    const { auditing, side } = operated
    this.plane = await openAdminPlane({
      ...deps,
      config,
      stateDir: this.stateDir(),
      facts: () => side.facts({ draining: this.leaving.state !== 'serving', configStale: this.configStale }),
      metrics: (form) => metrics.expose(form),
      operations: async () => (await import('./all-operations.ts')).allOperations(operated),
      auditor: auditing,
    })
    return this.plane
  }

  private async run({ feed, side }: OperatedParts): Promise<void> {
    await side.start()
    feed.start()
  }

  /** undefined: nothing is kept on disk. */
  private stateDir(): string | undefined {
    const { deps, first } = this
    const configured = deps.stateDir ?? first.stateDir
    if (configured === undefined && deps.guest === true) return undefined
    return stateDirOf({ ...deps, configured, gateway: first.lean.gateway.name })
  }

  private auditingOf(stateDir: string | undefined, store: Store): Auditing {
    return new Auditing({
      ...this.deps,
      store,
      folder: stateDir && join(stateDir, AUDIT_FOLDER),
      required: () => this.config.logging.audit === 'required',
      errorStatus,
    })
  }

  /** What is live is not what its source has, as far as that could be read. */
  private get configStale(): boolean {
    const facts = this.reloader?.facts
    return facts?.last.ok === false || facts?.source === 'last-known-good'
  }

  private get config(): Config {
    return this.side?.config ?? this.first
  }

  private reloaderOf(source: ReloadSource, side: DataSide, archive: Archive, auditing: Auditing): Reloader {
    const { clock, log, plugins, random, told } = this.deps
    const durable = this.stores?.durable === true
    const judge = source.startJudge({ env: source.env, plugins, clock })
    this.judge = judge
    return new Reloader({
      ...source,
      judge,
      first: { config: this.first, tree: source.tree, sources: source.sources },
      keep: keeping({ archive, durable, lastGood: lastGoodIn(this.stateDir(), random), clock, log }),
      clock,
      log,
      told: async (change) => {
        told?.config(change)
        await auditing.config(change)
      },
      apply: async (config) => {
        const same = sameCode(config.plugins, this.config.plugins)
        const features = same ? undefined : await source.featuresOf(config)
        const renew = await this.plane?.renew(config)
        await side.apply(config, features)
        renew?.()
        this.logLevel.configure(config.logging.level)
      },
    })
  }

  /** What is live is kept as good, and its source is followed from now on. */
  private async follow({ reloader }: OperatedParts): Promise<void> {
    if (reloader !== undefined) {
      await reloader.started()
      this.watchSource(reloader)
    }
    this.begun = true
  }

  private watchSource(reloader: Reloader): void {
    const { clock, reload } = this.deps
    if (reload === undefined) return
    const changed = async (trigger: Trigger): Promise<void> => {
      await reloader.reload(trigger).catch(() => {})
    }
    const files = { every: () => this.config.watch, paths: () => reloader.paths, onChange: () => changed('file') }
    this.watch = FileWatch.start({ clock, ...files }, reload.signature)
    this.unwatch = reload.source.watch(() => changed('source'))
  }

  private surroundings(): Surroundings {
    const { lean } = this.config
    return {
      instance: { gateway: lean.gateway.name, host: hostname(), version: this.deps.version },
      drain: this.leaving.state,
      reload: this.reloader?.facts,
      links: linksOf(lean.routes),
      tables: tablesOf(this.side?.features.all ?? []),
    }
  }

  private statusSources(side: DataSide): StatusSources {
    const { config, deps } = this
    return {
      version: deps.version,
      gateway: config.lean.gateway.name,
      uptimeMs: Math.round(deps.clock.now() - this.startedAt),
      generation: side.generation,
      config: { hash: config.hash, ...this.reloader?.facts },
      drain: this.leaving.state,
      workers: side.supervisor.crew.facts(),
      listeners: side.listeners,
      stores: this.stores?.facts() ?? [],
      absentDrains: side.endpoints.care.drains.absent,
      book: side.endpoints.book,
      registry: side.registry,
      notices: side.notices,
      states: [...side.lasting.all()],
      why: (...of) => side.lasting.endpoint(...of),
    }
  }

  /** The admin plane ends last: it reports that the gateway is shutting down. */
  private async close(): Promise<void> {
    this.watch?.close()
    this.unwatch?.()
    this.logLevel.close()
    this.feed?.close()
    await this.judge?.close()
    await this.side?.close()
    await this.plane?.close()
    await this.stores?.close()
  }
}
