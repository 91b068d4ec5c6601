import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../../src/config/language/config.ts'
import { language } from '../../src/config/language/language.ts'
import { loadConfig } from '../../src/config/load.ts'
import { loadDeps } from '../../src/config/load-deps.ts'
import type { ConfigSource } from '../../src/config/sources/source.ts'
import { inJudgeThread, workerEntry } from '../../src/control/entry.ts'
import { type FirstConfig, readFirst } from '../../src/control/first-config.ts'
import { Gateway, type GatewayDeps, type StartedFacts } from '../../src/control/gateway.ts'
import { inThreads } from '../../src/control/workers/thread.ts'
import { type AnyFeature, inOrder } from '../../src/core/feature.ts'
import { FEATURES } from '../../src/features/index.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { systemRandom } from '../../src/lib/random.ts'
import { HTTP1_ENV } from './ingress.ts'
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

  /** The body of the answer to a GET. */
  async get(path: string): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.port}${path}`)).text()
  }

  /** A view of the admin API; `path` below /api/v1. */
  async view(path: string): Promise<Record<string, never>> {
    const answer = await fetch(`http://127.0.0.1:${this.facts.admin.port}/api/v1/${path}`)
    return (await answer.json()) as Record<string, never>
  }

  /** A command of the admin API; its answer, with the status. */
  async command(path: string, body: object, signal?: AbortSignal): Promise<Record<string, unknown>> {
    const token = (await readFile(this.facts.tokenFile as string, 'utf8')).trim()
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const url = `http://127.0.0.1:${this.facts.admin.port}/api/v1/${path}`
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), ...(signal && { signal }) })
    return { ...((await answer.json()) as object), status: answer.status }
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
  {
    features = FEATURES,
    plugins = [],
    stateDir,
  }: Partial<Pick<GatewayDeps, 'features' | 'stateDir'> & Pick<Config, 'plugins'>> = {},
): Promise<HookedGateway> {
  const folder = await testFolder()
  const file = join(folder, 'sluice.yaml')
  await writeFile(file, yaml)
  const { config, diagnostics } = await loadConfig(file, loadDeps(HTTP1_ENV, language(features)))
  if (config === undefined) throw new Error(JSON.stringify(diagnostics))
  return started({ config, reload: undefined }, folder, { features, plugins, stateDir })
}

/** Options of {@link hookedGateway}: one feature more, the default export of the module `url`, which workers load. */
export function pluggedIn(feature: AnyFeature, name: string, url: string) {
  return { features: inOrder([...FEATURES, feature]), plugins: [{ name, url, texts: {} }] }
}

/** Starts it from a source, which it follows, and waits until it serves. */
export async function sourcedGateway(source: ConfigSource): Promise<HookedGateway> {
  const { diagnostics, first } = await readFirst(source, loadDeps(HTTP1_ENV))
  if (first === undefined) throw new Error(JSON.stringify(diagnostics))
  return started(first, await testFolder(), { features: FEATURES })
}

function testFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'sluice-test-'))
}

async function started(
  { config, reload }: Pick<FirstConfig, 'config'> & { readonly reload: FirstConfig['reload'] | undefined },
  folder: string,
  {
    features,
    plugins,
    stateDir = folder,
  }: Pick<GatewayDeps, 'features' | 'stateDir'> & Partial<Pick<Config, 'plugins'>>,
): Promise<HookedGateway> {
  const log = memoryLog()
  const gateway = new Gateway(
    // Modules of which the texts do not come along are read by the workers.
    { ...config, plugins: plugins ?? config.plugins, reads: [...config.reads, join(import.meta.dirname, '..')] },
    {
      version: '0.0.0',
      features,
      plugins: [],
      clock: systemClock,
      random: systemRandom(),
      log,
      notice: () => {},
      env: {},
      home: folder,
      stateDir,
      machine: { cores: 2, memory: 2 ** 33, memoryLimit: 0, files: 1e6 },
      startWorker: inThreads(workerEntry()),
      startLogs: () => ({ stop: async () => {} }),
      operations: [],
      reload: reload && { ...reload, startJudge: inJudgeThread },
      testHooks: true,
    },
  )
  return new HookedGateway(gateway, log, await gateway.start(), folder)
}
