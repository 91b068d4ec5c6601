import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type ClientRequest, request } from 'node:http'
import { request as requestByTls } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LOST_END } from './lost-end.ts'
import { shown } from './shown.ts'
import { until } from './until.ts'

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

/** One line of the access log. */
export type LogLine = Readonly<Record<string, unknown>>

/** An answer with its body read. */
export interface Answer {
  readonly status: number
  /** Lower-case names; repeated fields joined by `, `. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface SluiceOptions {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Writes the config below the folder of the test and says where; `sluice.yaml` in it otherwise. */
  readonly place?: (folder: string, yaml: string) => Promise<string>
}

/**
 * A real gateway process, started from inline YAML. Every address in the YAML should have port 0; the ports that were
 * bound come from the start line.
 */
export class Sluice {
  readonly child: ChildProcess
  readonly folder: string
  /** The config file. */
  readonly file: string
  stdout = ''
  stderr = ''
  exitCode: number | undefined = undefined
  private ready: { listeners: Record<string, number>; admin?: number; probes?: number } | undefined = undefined

  constructor(child: ChildProcess, folder: string, file: string) {
    this.child = child
    this.folder = folder
    this.file = file
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    // Not `exit`: what it wrote last may still be in the pipes then.
    child.on('close', (code, signal) => {
      this.exitCode = code ?? (signal === null ? -1 : -2)
    })
  }

  get pid(): number {
    return this.child.pid as number
  }

  port(listener = 'web'): number {
    return this.facts.listeners[listener] as number
  }

  get adminPort(): number {
    return this.facts.admin as number
  }

  get probesPort(): number {
    return this.facts.probes as number
  }

  /** Operational log lines so far. */
  get operational(): LogLine[] {
    return jsonLines(this.stderr)
  }

  /** Access-log lines so far. */
  get log(): LogLine[] {
    return jsonLines(this.stdout)
  }

  /** Waits for an access-log line that the predicate accepts. */
  async line(predicate: (line: LogLine) => boolean): Promise<LogLine> {
    await until(
      () => this.log.some(predicate),
      () => `a log line in ${this.stdout.slice(-4000)}`,
    )
    return this.log.find(predicate) as LogLine
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return fetchRaw(this.port(), 'GET', path, headers)
  }

  send(method: string, path: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return fetchRaw(this.port(), method, path, headers, body)
  }

  admin(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return fetchRaw(this.adminPort, 'GET', path, headers)
  }

  /** A POST to the admin API, as the operator of this machine; `path` below /api/v1. */
  async command(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const fields = { ...headers, authorization: `Bearer ${await this.token()}`, 'content-type': 'application/json' }
    return fetchRaw(this.adminPort, 'POST', `/api/v1/${path}`, fields, JSON.stringify(body))
  }

  probe(path: string): Promise<Answer> {
    return fetchRaw(this.probesPort, 'GET', path, {})
  }

  /** Waits until the metrics show all of these; their text. */
  shows(...wanted: readonly (string | RegExp)[]): Promise<string> {
    return shown(async () => (await this.probe('/metrics')).body, wanted)
  }

  /** Status as JSON. */
  async status(): Promise<Record<string, never>> {
    return JSON.parse((await this.admin('/api/v1/status')).body) as Record<string, never>
  }

  /** Waits until the process has exited; returns its code. */
  async exited(): Promise<number> {
    await until(
      () => this.exitCode !== undefined,
      () => `exit; stderr: ${this.stderr.slice(-4000)}`,
    )
    return this.exitCode as number
  }

  /** Drains at once and waits for the exit; the folder is removed. */
  async stop(): Promise<number> {
    if (this.exitCode === undefined) this.child.kill('SIGINT')
    const code = await this.exited().catch(async (error: unknown) => {
      this.child.kill('SIGKILL')
      throw error
    })
    await rm(this.folder, { recursive: true, force: true })
    // What the sweep found is a bug, whatever the test was about.
    const lost = this.operational.find(({ error }) => error === LOST_END)
    if (lost !== undefined) throw new Error(JSON.stringify(lost))
    return code
  }

  async started(): Promise<this> {
    await until(
      () => {
        this.ready = this.operational.find((line) => line.message === 'ready') as never
        return this.ready !== undefined || this.exitCode !== undefined
      },
      () => `the start line; stderr: ${this.stderr}`,
    )
    if (this.ready === undefined) throw new Error(`exited with ${this.exitCode}: ${this.stderr}`)
    return this
  }

  /** The admin token of this gateway. */
  async token(): Promise<string> {
    return (
      await readFile(String(this.operational.find(({ message }) => message === 'ready')?.tokenFile), 'utf8')
    ).trim()
  }

  private get facts(): NonNullable<Sluice['ready']> {
    if (this.ready === undefined) throw new Error('not started')
    return this.ready
  }
}

/** Starts the gateway and waits until it is ready. */
export async function startSluice(yaml: string, options: SluiceOptions = {}): Promise<Sluice> {
  return (await spawnSluice(yaml, options)).started()
}

/** Starts the gateway without waiting. */
export async function spawnSluice(yaml: string, options: SluiceOptions = {}): Promise<Sluice> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-test-'))
  const { place = inFolder } = options
  const file = await place(folder, yaml)
  const child = spawn(process.execPath, [CLI, 'run', file, ...(options.args ?? [])], {
    env: { ...process.env, XDG_STATE_HOME: join(folder, 'state'), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return new Sluice(child, folder, file)
}

async function inFolder(folder: string, yaml: string): Promise<string> {
  const file = join(folder, 'sluice.yaml')
  await writeFile(file, yaml)
  return file
}

/** The top of most test configs: one listener, admin and probes on ports of the system's choice. */
export const TOP = `apiVersion: sluice/v1
gateway: { name: test }
workers: 2
listeners:
  web: { listen: "127.0.0.1:0" }
admin: { listen: "127.0.0.1:0" }
probes: { listen: "127.0.0.1:0" }
drain: { delay: 0s, timeout: 5s }
`

/** The same for tests that a second worker proves nothing to: it is a third of what a gateway takes to start. */
export const ONE_WORKER: string = TOP.replace('workers: 2', 'workers: 1')

/** One request on a connection of its own; the whole answer. */
export function fetchRaw(
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: string,
): Promise<Answer> {
  return answered(request({ port, host: '127.0.0.1', method, path, headers, agent: false }), body)
}

/** The same by TLS; any certificate will do. */
export function fetchByTls(port: number, path: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
  const options = { port, host: '127.0.0.1', path, headers, agent: false, rejectUnauthorized: false }
  return answered(requestByTls(options))
}

function answered(sent: ClientRequest, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    sent.on('response', (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (part: string) => {
        text += part
      })
      answer.on('error', reject)
      answer.on('end', () => {
        const fields: Record<string, string> = {}
        for (const [name, value] of Object.entries(answer.headers)) fields[name] = String(value)
        resolve({ status: answer.statusCode ?? 0, headers: fields, body: text })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

function jsonLines(text: string): LogLine[] {
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return []
    try {
      return [JSON.parse(line) as LogLine]
    } catch {
      return []
    }
  })
}
