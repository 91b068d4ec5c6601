import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endChild } from '../kit/end-child.ts'
import { until } from '../kit/until.ts'

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
const PLUGIN = fileURLToPath(new URL('plugin.ts', import.meta.url))
const ID = '"correlation_id":"'
const KEPT_TEXT = 64_000
/** What is said of each worker that ends. */
const OF_ENDED_WORKERS = ['requests were lost with a worker', 'a worker ended and is replaced']

interface Ready {
  readonly listeners: { readonly web: number }
  readonly probes: number
}

/** A gateway process; its access log is read line by line, and not kept. */
export class SoakGateway {
  /** The latest of its operational log. */
  said = ''
  /** Lines of level error that no ended worker accounts for. */
  errors = 0
  private readonly child: ChildProcess
  private readonly folder: string
  private readonly file: string
  private readonly endpoints: readonly number[]
  private ready: Ready | undefined = undefined
  private reloads = 0
  private applied = 0

  private constructor(child: ChildProcess, folder: string, file: string, endpoints: readonly number[]) {
    this.child = child
    this.folder = folder
    this.file = file
    this.endpoints = endpoints
  }

  /** `onLine`: gets the correlation ID of each line of the access log. */
  static async start(endpoints: readonly number[], onLine: (id: string) => void): Promise<SoakGateway> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-soak-'))
    const file = join(folder, 'sluice.yaml')
    await copyFile(PLUGIN, join(folder, 'plugin.ts'))
    await writeFile(file, config(endpoints, 0))
    const child = spawn(process.execPath, [CLI, 'run', file], {
      env: { ...process.env, XDG_STATE_HOME: join(folder, 'state') },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const gateway = new SoakGateway(child, folder, file, endpoints)
    byLine(child, 'stdout', (line) => {
      const at = line.indexOf(ID) + ID.length
      onLine(line.slice(at, line.indexOf('"', at)))
    })
    byLine(child, 'stderr', (line) => gateway.onSaid(line))
    try {
      await until(
        () => gateway.ready !== undefined || gateway.over,
        () => `the start line; ${gateway.said}`,
      )
      if (gateway.ready === undefined) throw new Error(gateway.said)
    } catch (error) {
      await gateway.stop()
      throw error
    }
    return gateway
  }

  get pid(): number {
    return this.child.pid as number
  }

  get port(): number {
    return (this.ready as Ready).listeners.web
  }

  /** It has ended by itself. */
  get over(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  async metrics(): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${(this.ready as Ready).probes}/metrics`)
    return answer.text()
  }

  /** Another config; resolves when it is live. */
  async reload(): Promise<void> {
    const before = this.applied
    await writeFile(this.file, config(this.endpoints, ++this.reloads))
    this.child.kill('SIGHUP')
    await until(
      () => this.applied > before,
      () => `a reload; ${this.said.slice(-2_000)}`,
    )
  }

  /** Drains it; its exit code. */
  async stop(): Promise<number | null> {
    if (!this.over) {
      const closed = once(this.child, 'close')
      this.child.kill('SIGINT')
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 30_000).unref())])
    }
    const code = this.child.exitCode
    await endChild(this.child)
    await rm(this.folder, { recursive: true, force: true })
    return code
  }

  private onSaid(line: string): void {
    this.said = `${this.said}${line}\n`.slice(-KEPT_TEXT)
    const { level, listeners, message, probes } = JSON.parse(line) as Partial<Ready> & {
      level: string
      message: string
    }
    if (listeners !== undefined && probes !== undefined) this.ready = { listeners, probes }
    else if (message === 'another config is live') this.applied++
    if (level === 'error' && !OF_ENDED_WORKERS.includes(message)) this.errors++
  }
}

function byLine(child: ChildProcess, name: 'stdout' | 'stderr', take: (line: string) => void): void {
  let rest = ''
  child[name]?.setEncoding('latin1').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() as string
    for (const line of lines) if (line.startsWith('{')) take(line)
  })
}

/** Each version changes a field of answers, and has one route more than the one before, or less. */
function config(endpoints: readonly number[], version: number): string {
  const more = version % 2 === 0 ? '' : '  more: { match: { path: /more/* }, to: app }\n'
  return `apiVersion: sluice/v1
gateway: { name: soak }
plugins: [./plugin.ts]
workers: 2
listeners:
  web: { listen: "127.0.0.1:0" }
admin: { listen: "127.0.0.1:0" }
probes: { listen: "127.0.0.1:0" }
drain: { delay: 0s }
upstreams:
  app:
    endpoints: [${endpoints.map((port) => `"http://127.0.0.1:${port}"`).join(', ')}]
    healthCheck: { interval: 500ms }
routes:
  soak: { match: { path: /soak/* }, respond: { body: soak }, soak: {} }
  app:
    match: { path: /* }
    to: app
    headers: { response: { set: { x-version: "${version}" } } }
${more}`
}
