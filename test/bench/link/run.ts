/**
 * `npm run bench:ask [-- --write]`: what a question of a worker to the control plane costs, and how many there may be; what
 * a command and the value of a feed take to all workers. `--write`: into docs/benchmarks.md.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { Worker } from 'node:worker_threads'
import { Feeds } from '../../../src/control/workers/feeds.ts'
import { Links } from '../../../src/control/workers/links.ts'
import type { FromWorker } from '../../../src/core/protocol.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { memoryLog } from '../../kit/log.ts'
import { withTables } from '../docs.ts'
import { machine } from '../machine.ts'
import { percentile } from '../median.ts'
import type { Measured, Round } from './measure.ts'

const PAGE = new URL('../../../docs/benchmarks.md', import.meta.url)
const WARM_UP: Round = { inFlight: 64, bytes: 0, ms: 2_000 }
const ROUND_MS = 3_000
const ROUNDS: readonly Omit<Round, 'ms'>[] = [
  { inFlight: 1, bytes: 0 },
  { inFlight: 16, bytes: 0 },
  { inFlight: 64, bytes: 0 },
  { inFlight: 256, bytes: 0 },
  { inFlight: 64, bytes: 1024 },
  { inFlight: 64, bytes: 65_536 },
]
const TIMES = 2_000

/** A control plane with one worker. */
class Bench {
  readonly feeds: Feeds
  readonly links: Links
  private readonly thread: Worker
  private measured: Measured | undefined = undefined
  private fed = (): void => {}

  constructor() {
    const log = memoryLog()
    this.feeds = new Feeds({ clock: systemClock, log })
    const answers: Readonly<Record<string, (value: unknown) => unknown>> = {
      echo: (value) => value,
      measured: (value) => {
        this.measured = value as Measured
        return true
      },
    }
    this.links = new Links({ find: (_, name) => answers[name], clock: systemClock, log })
    this.thread = new Worker(new URL('./worker.ts', import.meta.url))
    this.thread.on('message', (message: FromWorker) => {
      if (this.feeds.receive(0, message)) this.fed()
      else this.links.receive(0, message)
    })
    const port = { post: (message: unknown) => this.thread.postMessage(message) }
    this.feeds.begin(0, port)
    this.links.begin(0, port)
  }

  /** With CPU microseconds of this thread per question. */
  async ask(round: Round): Promise<Measured & { readonly answering: number }> {
    const before = process.threadCpuUsage()
    const { missing } = await this.links.command('bench', 'measure', round, round.ms + 20_000)
    const { system, user } = process.threadCpuUsage(before)
    const { measured } = this
    if (measured === undefined || missing.length > 0 || measured.unavailable > 0)
      throw new Error(JSON.stringify({ missing, measured }))
    return { ...measured, answering: (system + user) / ((measured.perSecond * round.ms) / 1000) }
  }

  async command(): Promise<number[]> {
    return this.times(() => this.links.command('bench', 'nothing', undefined))
  }

  async feed(): Promise<number[]> {
    const out = this.feeds.of('bench', 'keys')
    return this.times(
      () =>
        new Promise<void>((resolve) => {
          this.fed = resolve
          out.publish('x'.repeat(1024))
        }),
    )
  }

  async close(): Promise<void> {
    this.links.close()
    await this.thread.terminate()
  }

  private async times(one: () => Promise<unknown>): Promise<number[]> {
    const times: number[] = []
    for (let i = 0; i < TIMES; i++) {
      const begun = performance.now()
      await one()
      times.push(1000 * (performance.now() - begun))
    }
    return times
  }
}

const bench = new Bench()
const load = loadavg()[0]?.toFixed(2)
await bench.ask(WARM_UP)
const rows: string[] = []
for (const round of ROUNDS) {
  const { answering, cpu, p50, p99, perSecond } = await bench.ask({ ...round, ms: ROUND_MS })
  const cells = [round.inFlight, round.bytes, Math.round(perSecond), Math.round(p50), Math.round(p99)]
  rows.push(`| ${[...cells, cpu.toFixed(1), answering.toFixed(1)].join(' | ')} |`)
}
const once = [
  ['command, done by a worker', await bench.command()],
  ['value of a feed (1 KiB), taken by a worker', await bench.feed()],
] as const
await bench.close()
const tables = `By \`npm run bench:ask\` on ${new Date().toISOString().slice(0, 10)}: ${machine()}. Load average before: ${load}. One
worker; each row ${ROUND_MS / 1000} s after ${WARM_UP.ms / 1000} s of warm-up.

| at a time | bytes each way | questions/s | p50 µs | p99 µs | CPU µs, asking | CPU µs, answering |
|---:|---:|---:|---:|---:|---:|---:|
${rows.join('\n')}

| one after the other | p50 µs | p99 µs |
|---|---:|---:|
${once.map(([what, times]) => `| ${what} | ${[0.5, 0.99].map((share) => Math.round(percentile(times, share))).join(' | ')} |`).join('\n')}`
process.stdout.write(`${tables}\n`)
if (process.argv.includes('--write')) await writeFile(PAGE, withTables(await readFile(PAGE, 'utf8'), 'ask', tables))
