import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../src/lib/clock.ts'
import { seededRandom } from '../../src/lib/random.ts'
import { Metrics } from '../../src/tools/drill/metrics.ts'
import { memoryOf } from '../kit/memory.ts'
import { until } from '../kit/until.ts'
import { SoakGateway } from './gateway.ts'
import type { Sample, SoakFacts } from './judge.ts'
import { type Failure, Ledger } from './ledger.ts'
import { SoakLoad } from './load.ts'
import { SoakUpstream } from './upstream.ts'

const CALIBRATION_MS = 8_000
const PARALLEL = 32
/** Of what the machine took with gateway, clients and upstream on it. */
const LOAD = 0.5
const SAMPLE_MS = 5_000
const RELOAD_MS = 10_000
const FLAP_MS = 30_000
const DOWN_MS = 5_000
const WORKER_MS = 300_000
const END_MS = 60_000
/** Questions after which both workers will have answered, as a rule. */
const ASKED = 6

export interface Soaked {
  readonly facts: SoakFacts
  /** Short requests per second that were asked for. */
  readonly rate: number
  readonly ledger: Pick<Ledger, 'begun' | 'outcomes' | 'explained'>
  readonly unexplained: readonly Failure[]
  /** The latest that the gateway told its operators. */
  readonly said: string
  /** Seconds since the load began. */
  readonly events: Ledger['events']
}

/** `signal`: ends it early, and everything that it started. */
export async function soak(minutes: number, progress: (line: string) => void, signal: AbortSignal): Promise<Soaked> {
  const ledger = new Ledger(systemClock)
  const upstreams = await Promise.all([SoakUpstream.start(), SoakUpstream.start()])
  let gateway: SoakGateway | undefined
  let load: SoakLoad | undefined
  try {
    gateway = await SoakGateway.start(
      upstreams.map(({ port }) => port),
      (id) => ledger.line(id),
    )
    load = new SoakLoad({ clock: systemClock, random: seededRandom(1), ledger, port: gateway.port })
    return await new Soak(minutes, { gateway, load, ledger, upstreams, progress, signal }).run()
  } finally {
    load?.close()
    await gateway?.stop()
    await Promise.all(upstreams.map((upstream) => upstream.stop()))
  }
}

interface SoakParts {
  readonly gateway: SoakGateway
  readonly load: SoakLoad
  readonly ledger: Ledger
  readonly upstreams: readonly SoakUpstream[]
  readonly progress: (line: string) => void
  readonly signal: AbortSignal
}

class Soak {
  private readonly minutes: number
  private readonly parts: SoakParts
  private readonly samples: Sample[] = []

  constructor(minutes: number, parts: SoakParts) {
    this.minutes = minutes
    this.parts = parts
  }

  async run(): Promise<Soaked> {
    const { ledger, load, progress } = this.parts
    const most = await load.calibrate(CALIBRATION_MS, PARALLEL)
    load.rate = Math.max(1, Math.floor(LOAD * most))
    progress(`${Math.round(most)} short requests per second at most; ${load.rate} from now on`)
    const startedAt = systemClock.now()
    const ends = startedAt + this.minutes * 60_000
    await Promise.all([
      this.every(SAMPLE_MS, ends, () => this.sample(startedAt)),
      this.every(RELOAD_MS, ends, () => this.reload()),
      this.every(FLAP_MS, ends, () => this.flap()),
      this.every(Math.min(WORKER_MS, (this.minutes * 60_000) / 3), ends, () => this.endWorker()),
    ])
    const { rate } = load
    const facts = await this.facts()
    const events = ledger.events.map(({ at, event }) => ({ event, at: (at - startedAt) / 1000 }))
    const { begun, explained, outcomes, unexplained } = ledger
    return { facts, rate, ledger: { begun, explained, outcomes }, unexplained, said: this.parts.gateway.said, events }
  }

  /** Until then, one after another; what takes longer than its time is done less often. */
  private async every(ms: number, ends: number, act: () => Promise<void>): Promise<void> {
    const { gateway, signal } = this.parts
    for (let due = systemClock.now() + ms; due < ends; due = Math.max(due + ms, systemClock.now())) {
      await sleep(Math.max(0, due - systemClock.now()), undefined, { signal })
      if (gateway.over) throw new Error(`the gateway has ended: ${gateway.said.slice(-4_000)}`)
      await act()
    }
    await sleep(Math.max(0, ends - systemClock.now()), undefined, { signal })
  }

  private async sample(startedAt: number): Promise<void> {
    const { gateway, ledger, load, progress } = this.parts
    const heaps = new Map<number, { heapUsed: number; external: number }>()
    for (let i = 0; i < ASKED; i++) {
      const text = await load.ask('/soak/heap')
      if (!text.startsWith('{')) continue
      const one = JSON.parse(text) as { worker: number; heapUsed: number; external: number }
      heaps.set(one.worker, one)
    }
    const sum = (of: 'heapUsed' | 'external'): number => [...heaps.values()].reduce((all, one) => all + one[of], 0)
    const at = (systemClock.now() - startedAt) / 1000
    const ended = ledger.all - ledger.running
    const before = this.samples.at(-1)
    const { pss, rss } = await memoryOf(gateway.pid)
    this.samples.push({
      at,
      pss,
      rss,
      heap: sum('heapUsed'),
      external: sum('external'),
      rate: before === undefined ? 0 : (ended - this.endedBefore) / (at - before.at),
      failures: Object.values(ledger.explained).reduce((all, count) => all + count, 0),
    })
    this.endedBefore = ended
    const mb = (bytes: number): string => (bytes / 1e6).toFixed(0)
    progress(
      `${(at / 60).toFixed(1)} of ${this.minutes} min: ${mb(pss)} MB, heaps ${mb(sum('heapUsed'))} MB, ${ended} requests, ${ledger.running} under way, unexplained ${ledger.unexplainedCount}`,
    )
  }

  private endedBefore = 0

  private async reload(): Promise<void> {
    this.parts.ledger.did('reload')
    await this.parts.gateway.reload()
  }

  private async flap(): Promise<void> {
    const { ledger, signal, upstreams } = this.parts
    const [, flapping] = upstreams as readonly [SoakUpstream, SoakUpstream]
    ledger.did('endpoint down')
    await flapping.set('down')
    await sleep(DOWN_MS, undefined, { signal }).finally(() => flapping.set('up'))
    ledger.did('endpoint up')
  }

  private async endWorker(): Promise<void> {
    const { ledger, load } = this.parts
    ledger.did('worker ended')
    await load.ask('/soak/end')
  }

  /** All clients end; then everything must have its end. */
  private async facts(): Promise<SoakFacts> {
    const { gateway, ledger, load } = this.parts
    load.stop()
    await until(
      () => ledger.running === 0,
      () => `an end of ${ledger.running} requests`,
      END_MS,
    )
    load.close()
    let metrics = new Metrics('')
    const held = (): Record<string, number> =>
      Object.fromEntries(HELD.map((name) => [name, metrics.sum(name)] as const).filter(([, value]) => value !== 0))
    // Lines and gauges may come a moment later; what never comes is what is judged.
    await until(async () => {
      metrics = new Metrics(await gateway.metrics())
      return ledger.withoutLine.lost.length === 0 && Object.keys(held()).length === 0
    }, 'the last lines').catch(() => {})
    const { left, lost, workerEnded } = ledger.withoutLine
    const exitCode = await gateway.stop()
    return {
      minutes: this.minutes,
      samples: this.samples,
      begun: ledger.all,
      lines: ledger.lines,
      counted: metrics.sum('sluice_requests_total'),
      workerLost: metrics.sum('sluice_requests_total', { reason: 'worker_lost' }),
      strange: ledger.strange,
      lost: lost.length,
      workerEnded,
      left,
      lostEnds: metrics.sum('sluice_lost_ends_total'),
      dropped: metrics.sum('sluice_log_dropped_total'),
      held: held(),
      unexplained: ledger.unexplainedCount,
      errors: gateway.errors,
      exitCode,
    }
  }
}

const HELD = ['sluice_requests_in_flight', 'sluice_bulkhead_in_flight', 'sluice_pool_waiters', 'sluice_connections']
