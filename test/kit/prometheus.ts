import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import { endChild } from './end-child.ts'
import { withoutPromtool } from './promtool.ts'
import { closedPort } from './tcp.ts'
import { until } from './until.ts'
import { without } from './without.ts'

export function withoutPrometheus(): boolean {
  return without('prometheus', '--version') || withoutPromtool()
}

/** Runs promtool; what it said, and whether it was content. */
export function promtool(...args: readonly string[]): { ok: boolean; said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' })
  return { ok: status === 0, said: `${stdout}${stderr}` }
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * The shipped rules in short: every duration in `for`, `interval` and ranges such as `[5m]` divided by `factor`. Nothing
 * else changes: names, thresholds and expressions are those that are shipped.
 */
export function shortened(rules: string, factor: number): string {
  const short = (text: string): string => {
    const [, amount = '', unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? []
    return `${Math.round((Number(amount) * (UNITS[unit] as number)) / factor)}ms`
  }
  return rules
    .replace(/\[(\d+[smhd])\]/g, (_, range: string) => `[${short(range)}]`)
    .replace(/^( +(?:for|interval): )(\d+[smhd])$/gm, (_, key: string, time: string) => key + short(time))
}

export interface Alert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly state: 'pending' | 'firing'
}

type Labels = Readonly<Record<string, string>>

export interface StoredExemplar {
  readonly labels: Labels
  readonly value: string
  /** Seconds since the Unix epoch. */
  readonly timestamp: number
}

/** A real Prometheus that scrapes `targets` as job `sluice`, twice a second. */
export class Prometheus {
  private readonly child: ChildProcess
  private readonly folder: string
  private readonly port: number
  private said = ''

  private constructor(child: ChildProcess, folder: string, port: number) {
    this.child = child
    this.folder = folder
    this.port = port
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.said = (this.said + text).slice(-10_000)
    })
  }

  /** `flags`: of its command line, beside those that it needs. */
  static async start(targets: readonly string[], rules: string, ...flags: readonly string[]): Promise<Prometheus> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-prometheus-'))
    const port = await closedPort()
    const config = {
      global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
      rule_files: ['rules.yaml'],
      scrape_configs: [{ job_name: 'sluice', static_configs: [{ targets }] }],
    }
    await writeFile(join(folder, 'rules.yaml'), rules)
    // JSON is YAML.
    await writeFile(join(folder, 'prometheus.yaml'), JSON.stringify(config))
    const args = [
      `--config.file=${folder}/prometheus.yaml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      ...flags,
    ]
    const child = spawn('prometheus', args, { stdio: ['ignore', 'ignore', 'pipe'] })
    const prometheus = new Prometheus(child, folder, port)
    await until(
      () => prometheus.ready(),
      () => `prometheus is ready: ${prometheus.said}`,
    )
    return prometheus
  }

  /** Result of an instant query; throws with its error. */
  async query(expr: string): Promise<readonly { metric: Labels; value: [number, string] }[]> {
    return (await this.ask<{ result: [] }>(`query?query=${encodeURIComponent(expr)}`)).result
  }

  /** Exemplars of the last minute that it keeps for the series of an expression; needs its feature exemplar-storage. */
  async exemplars(expr: string): Promise<readonly { seriesLabels: Labels; exemplars: readonly StoredExemplar[] }[]> {
    const now = systemClock.wall() / 1000
    return this.ask(`query_exemplars?query=${encodeURIComponent(expr)}&start=${now - 60}&end=${now + 60}`)
  }

  /** What it says of the targets that it scrapes. */
  async targets(): Promise<readonly { health: string; lastError: string }[]> {
    return (await this.ask<{ activeTargets: [] }>('targets')).activeTargets
  }

  async alerts(): Promise<readonly Alert[]> {
    return (await this.ask<{ alerts: Alert[] }>('alerts')).alerts
  }

  /** `data` of an answer of its API; throws with its error. */
  private async ask<T>(path: string): Promise<T> {
    const body = (await (await fetch(`${this.url}/api/v1/${path}`)).json()) as { error?: string; data: T }
    if (body.error !== undefined) throw new Error(`${path}: ${body.error}`)
    return body.data
  }

  async stop(): Promise<void> {
    await endChild(this.child)
    await rm(this.folder, { recursive: true, force: true })
  }

  private get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  private async ready(): Promise<boolean> {
    if (this.child.exitCode !== null) throw new Error(`prometheus exited with ${this.child.exitCode}: ${this.said}`)
    return fetch(`${this.url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  }
}
