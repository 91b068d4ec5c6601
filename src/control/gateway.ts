import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import type { Log } from '../telemetry/log.ts'
import { MetricsRegistry } from '../telemetry/metrics.ts'
import type { Command } from './admin/command.ts'
import { type AdminPlane, openAdminPlane } from './admin-plane.ts'
import type { Bound, BoundListener } from './contract.ts'
import { DataSide, type DataSideOptions } from './data-side.ts'
import { Drain, type DrainKind } from './drain.ts'
import { type Machine, workerCount } from './machine.ts'
import { checkAddress, reusePortWorks } from './sockets.ts'
import { statusOf } from './status.ts'

export interface GatewayDeps {
  readonly version: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** A line on stderr that is no log: for a secret that is shown once. */
  readonly notice: (line: string) => void
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly machine: Machine
  /** The workers' entry file, see `entry.ts`. */
  readonly workerEntry: URL
  /** Moves access logs out: `startLogThread` of telemetry. */
  readonly startLogs: DataSideOptions['startLogs']
  /** Admin commands by path below /api/v1. */
  readonly commands: Readonly<Record<string, Command>>
  readonly testHooks: boolean
}

/** What there is to say once the gateway serves. */
export interface StartedFacts {
  readonly listeners: readonly BoundListener[]
  readonly admin: Bound
  readonly probes: Bound | undefined
  /** Of the token that was made because the config has none; undefined: it has, or nothing can be kept. */
  readonly tokenFile: string | undefined
  readonly workers: number
  /** What decided the number of workers. */
  readonly workersBound: string
}

/** The gateway: workers, admin plane and the way out, put together. Starts once. */
export class Gateway {
  /** Resolves with the exit code where the gateway had better end: no worker has served for 30 s. */
  readonly lost: Promise<number>
  private readonly config: Config
  private readonly deps: GatewayDeps
  private readonly metrics = new MetricsRegistry()
  private readonly leaving: Drain
  private readonly startedAt: number
  private side: DataSide | undefined = undefined
  private plane: AdminPlane | undefined = undefined
  private readonly lose: (code: number) => void

  constructor(config: Config, deps: GatewayDeps) {
    const { clock, log } = deps
    const lost = Promise.withResolvers<number>()
    this.config = config
    this.deps = deps
    this.startedAt = clock.now()
    this.lost = lost.promise
    this.lose = lost.resolve
    this.leaving = new Drain({
      ...config.drain,
      clock,
      log,
      polite: () => this.side?.supervisor.drain(),
      unlisten: () => this.side?.supervisor.unlisten() ?? Promise.resolve(),
      cut: () => this.side?.supervisor.cut(),
      close: () => this.close(),
    })
  }

  /** Resolves when every listener is open. Rejects with what is wrong, for people; nothing is left running then. */
  async start(): Promise<StartedFacts> {
    try {
      return await this.open()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /**
   * Leaves politely; resolves with the exit code. Called again at least 1 s after the first time it resolves with 1 at
   * once.
   */
  drain(kind: DrainKind): Promise<number> {
    return this.leaving.signal(kind)
  }

  /** For tests: makes a worker misbehave. Only with `testHooks`. */
  hook(worker: number, hook: 'block' | 'throw' | 'exit', ms = 0): void {
    this.side?.supervisor.hook(worker, hook, ms)
  }

  private async open(): Promise<StartedFacts> {
    const { config, deps, metrics } = this
    const reusePort = await reusePortWorks()
    const { count, bound } = workerCount(config.workers, deps.machine, reusePort)
    if (!reusePort) deps.log.warn('one worker only: this system does not let several share a port')
    for (const { name, host, port } of config.lean.listeners) await checkAddress(host, port, `listeners.${name}.listen`)
    const side = new DataSide({
      ...deps,
      config,
      workers: count,
      reusePort,
      metrics,
      own: () => [this.plane?.admin, this.plane?.probes].filter((address) => address !== undefined),
      onLost: () => {
        deps.log.error('no worker has served for 30 s: giving up')
        this.lose(1)
      },
    })
    this.side = side
    const plane = await openAdminPlane({
      ...deps,
      config,
      facts: () => side.facts(this.leaving.state !== 'serving'),
      metrics: () => metrics.expose(),
      views: {
        status: () => this.status(side),
        breakers: () => ({ breakers: [...side.breakers.all()] }),
        endpoints: () => ({ endpoints: [...side.care.drains.all()] }),
      },
      commands: {
        ...deps.commands,
        breakers: async (body) => ({ breakers: side.breakers.force(body) }),
        endpoints: async (body) => ({ endpoints: side.care.drains.set(body) }),
      },
    })
    this.plane = plane
    await side.start()
    const { admin, probes, tokenFile } = plane
    return { listeners: side.listeners, admin, probes, tokenFile, workers: count, workersBound: bound }
  }

  private status(side: DataSide) {
    const { config, deps } = this
    return statusOf({
      version: deps.version,
      gateway: config.lean.gateway.name,
      uptimeMs: Math.round(deps.clock.now() - this.startedAt),
      generation: side.liveGeneration,
      configHash: config.hash,
      drain: this.leaving.state,
      workers: side.supervisor.crew.facts(),
      listeners: side.listeners,
      book: side.book,
      registry: side.registry,
    })
  }

  /** The admin plane goes last: it says that we are leaving. */
  private async close(): Promise<void> {
    await this.side?.close()
    await this.plane?.close()
  }
}
