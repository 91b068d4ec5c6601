import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { language } from '../../src/config/language/language.ts'
import { loadConfig } from '../../src/config/load.ts'
import { loadDeps } from '../../src/config/load-deps.ts'
import { workerEntry } from '../../src/control/entry.ts'
import { Gateway, type GatewayDeps, type StartedFacts } from '../../src/control/gateway.ts'
import { inThreads } from '../../src/control/workers/thread.ts'
import { FEATURES } from '../../src/features/index.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { memoryLog } from './log.ts'
import { shown } from './shown.ts'

/** A gateway with real workers in this process, so that tests can make them misbehave. */
export class HookedGateway {
  readonly gateway: Gateway
  readonly log: ReturnType<typeof memoryLog>
  readonly facts: StartedFacts
  private readonly folder: string

  constructor(gateway: Gateway, log: ReturnType<typeof memoryLog>, facts: StartedFacts, folder: string) {
    this.gateway = gateway
    this.log = log
    this.facts = facts
    this.folder = folder
  }

  get port(): number {
    return this.facts.listeners[0]?.port as number
  }

  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.facts.probes?.port}/metrics`)).text()
  }

  /** Waits until the metrics show all of these; their text. */
  shows(...wanted: readonly (string | RegExp)[]): Promise<string> {
    return shown(() => this.metrics(), wanted)
  }

  async probe(name: string): Promise<number> {
    return (await fetch(`http://127.0.0.1:${this.facts.probes?.port}/${name}`)).status
  }

  async workers(): Promise<{ worker: number; state: string; restarts: number }[]> {
    const status = await fetch(`http://127.0.0.1:${this.facts.admin.port}/api/v1/status`)
    return ((await status.json()) as { workers: { worker: number; state: string; restarts: number }[] }).workers
  }

  async stop(): Promise<void> {
    await this.gateway.drain('sigint')
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** Starts it from YAML, and waits until it serves. Its access log goes nowhere. */
export async function hookedGateway(
  yaml: string,
  { features = FEATURES, plugins = [] }: Partial<Pick<GatewayDeps, 'features' | 'plugins'>> = {},
): Promise<HookedGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-test-'))
  const file = join(folder, 'sluice.yaml')
  await writeFile(file, yaml)
  const { config, diagnostics } = await loadConfig(file, loadDeps({}, language(features)))
  if (config === undefined) throw new Error(JSON.stringify(diagnostics))
  const log = memoryLog()
  const gateway = new Gateway(
    { ...config, stateDir: folder },
    {
      version: '0.0.0',
      features,
      plugins,
      clock: systemClock,
      random: systemRandom(),
      log,
      notice: () => {},
      env: {},
      home: folder,
      machine: { cores: 2, memory: 2 ** 33, memoryLimit: 0, files: 1e6 },
      startWorker: inThreads(workerEntry()),
      startLogs: () => ({ stop: async () => {} }),
      operations: [],
      reload: undefined,
      testHooks: true,
    },
  )
  return new HookedGateway(gateway, log, await gateway.start(), folder)
}
