import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { backend } from './backend.ts'
import { type Child, startPinned } from './child.ts'
import type { Latency, Launch, Peer, Row, Sample, Scenario } from './contract.ts'
import { pace, saturate, type Target } from './load.ts'
import { median } from './median.ts'
import { accepting, freePort } from './ports.ts'
import { cpuMicros, family, forgetPeak, peakMiB } from './processes.ts'
import { type Pair, summary } from './summary.ts'

const GATEWAY_CORE = 0
const LOAD_CORE = 1
/** Code that is compiled as it runs settles within it. */
const MOST_WARM_UP_SECONDS = 4
/** A process that nobody asked for a minute takes twice as long at first: what it had in memory and caches is gone. */
const AWAKE_SECONDS = 2
const START_SECONDS = 1
/** Percentiles settle sooner than CPU times, and say less. */
const PACED_ROUNDS = 3
/** Percentiles need more answers than a median of many pairs. */
const PACED_TIMES = 3
/** Of what the slowest peer can take: the fixed rate at which percentiles are taken. */
const PACE = 0.5

export interface BenchOptions {
  readonly peers: readonly Peer[]
  readonly scenarios: readonly Scenario[]
  /** Name of one of the peers. Where it can't run, the first that can takes its place. */
  readonly reference: string
  readonly seconds: number
  readonly rounds: number
  /** Percentiles too. */
  readonly latency: boolean
  /** Ours; removed by the caller. */
  readonly folder: string
  readonly progress: (line: string) => void
  /** Ends everything; `bench` rejects with its reason, once all that it started has ended. */
  readonly signal: AbortSignal
}

export interface BenchResult {
  readonly rows: readonly Row[]
  readonly versions: Readonly<Record<string, string>>
  /** Peers that could not run, and why. */
  readonly skipped: readonly { readonly peer: string; readonly why: string }[]
}

interface Running {
  readonly peer: Peer
  readonly child: Child
  readonly port: number
}

/** Seconds that a run takes when every tool keeps its time. */
export function estimate({
  peers,
  scenarios,
  seconds,
  rounds,
  latency,
}: Pick<BenchOptions, 'peers' | 'scenarios' | 'seconds' | 'rounds' | 'latency'>): number {
  const paced = latency ? PACED_TIMES * seconds * Math.min(rounds, PACED_ROUNDS) : 0
  const measured = rounds * (AWAKE_SECONDS + seconds)
  return peers.length * (START_SECONDS + scenarios.length * (warmUp(seconds) + measured + paced))
}

/**
 * Runs every scenario against every peer in interleaved rounds: within a round peers alternate, and each round begins
 * with another peer, so that what else the machine does falls on all alike. Each is woken before it is measured, and none
 * more often than another, since the more one was asked the less it takes. Peers run from the beginning to the end; one that nobody asks costs next to nothing.
 */
export async function bench(options: BenchOptions): Promise<BenchResult> {
  const children: Child[] = []
  try {
    return await new Bench(options, children).run()
  } finally {
    await Promise.all(children.map((child) => child.stop()))
  }
}

class Bench {
  private readonly options: BenchOptions
  private readonly children: Child[]
  private readonly versions: Record<string, string> = {}
  private readonly skipped: { peer: string; why: string }[] = []

  constructor(options: BenchOptions, children: Child[]) {
    this.options = options
    this.children = children
  }

  async run(): Promise<BenchResult> {
    const running = await this.startAll()
    const rows: Row[] = []
    for (const scenario of this.options.scenarios) rows.push(...(await this.scenario(running, scenario)))
    return { rows, versions: this.versions, skipped: this.skipped }
  }

  private async startAll(): Promise<Running[]> {
    const { folder, peers, progress, signal } = this.options
    const backendPort = await freePort()
    await this.start(LOAD_CORE, backendPort, await backend(join(folder, 'backend'), backendPort))
    const running: Running[] = []
    for (const [index, peer] of peers.entries()) {
      const port = await freePort()
      const site = { folder: join(folder, `peer-${index}`), port, backendPort }
      try {
        await mkdir(site.folder, { recursive: true })
        this.versions[peer.name] = await peer.version()
        running.push({ peer, port, child: await this.start(GATEWAY_CORE, port, await peer.launch(site)) })
      } catch (error) {
        signal.throwIfAborted()
        const why = messageOf(error)
        progress(`${peer.name} is left out: ${why}`)
        this.skipped.push({ peer: peer.name, why })
      }
    }
    if (running.length === 0) throw new Error('no peer runs on this machine')
    return running
  }

  private async start(core: number, port: number, launch: Launch): Promise<Child> {
    this.options.signal.throwIfAborted()
    const child = await startPinned(core, launch)
    this.children.push(child)
    await accepting(child, port, this.options.signal)
    return child
  }

  private async scenario(running: readonly Running[], scenario: Scenario): Promise<Row[]> {
    const { rounds, latency } = this.options
    const pairs = new Map<Running, Pair[]>(running.map((one) => [one, []]))
    const latencies = new Map<Running, Latency[]>(running.map((one) => [one, []]))
    for (const one of running) {
      forgetPeak(family(one.child.pid))
      await this.sample(one, scenario, warmUp(this.options.seconds))
    }
    const reference = running.find(({ peer }) => peer.name === this.options.reference) ?? (running[0] as Running)
    for (let round = 0; round < rounds; round++) {
      const samples = new Map<Running, Sample>()
      for (const one of rotated(running, round)) {
        await this.sample(one, scenario, AWAKE_SECONDS)
        const sample = await this.sample(one, scenario, this.options.seconds)
        samples.set(one, sample)
        this.options.progress(`${scenario.name} ${round + 1}/${rounds} ${one.peer.name}: ${shown(sample)}`)
      }
      const beside = samples.get(reference) as Sample
      for (const [one, sample] of samples) pairs.get(one)?.push({ sample, beside })
    }
    const able = running.filter((one) => middleRate(pairs.get(one)) > 0)
    if (latency && able.length > 0) {
      const rate = Math.max(1, Math.floor(PACE * Math.min(...able.map((one) => middleRate(pairs.get(one))))))
      this.options.progress(`${scenario.name}: percentiles at ${rate} requests a second`)
      for (let round = 0; round < Math.min(rounds, PACED_ROUNDS); round++) {
        for (const one of rotated(able, round)) {
          const paced = await this.paced(one, scenario, rate)
          if (paced !== undefined) latencies.get(one)?.push(paced)
        }
      }
    }
    return running.map((one) =>
      summary(
        one.peer.name,
        scenario.name,
        pairs.get(one) ?? [],
        latencies.get(one) ?? [],
        peakMiB(family(one.child.pid)),
      ),
    )
  }

  private async sample(one: Running, scenario: Scenario, seconds: number): Promise<Sample> {
    const pids = family(one.child.pid)
    const cpuBefore = cpuMicros(pids)
    const before = performance.now()
    try {
      const { requests, rps, errors } = await saturate(this.target(one, scenario), seconds)
      const cpu = cpuMicros(pids) - cpuBefore
      const busy = cpu / 1000 / (performance.now() - before)
      return { cpuUs: requests === 0 ? undefined : cpu / requests, busy, requests, rps, errors }
    } catch (error) {
      this.failed(one, error)
      return { cpuUs: undefined, busy: 0, requests: 0, rps: 0, errors: 1 }
    }
  }

  private async paced(one: Running, scenario: Scenario, rate: number): Promise<Latency | undefined> {
    try {
      return await pace(this.target(one, scenario), rate, PACED_TIMES * this.options.seconds)
    } catch (error) {
      this.failed(one, error)
      return undefined
    }
  }

  private target({ peer, port }: Running, scenario: Scenario): Target {
    return { core: LOAD_CORE, port, peer, scenario, signal: this.options.signal }
  }

  /** One failed run spoils no table; what was asked to stop stops. */
  private failed({ peer, child }: Running, error: unknown): void {
    this.options.signal.throwIfAborted()
    this.options.progress(`${peer.name}: ${messageOf(error)}`)
    if (child.running || this.skipped.some((one) => one.peer === peer.name)) return
    this.skipped.push({ peer: peer.name, why: `ended while it was measured: ${child.said.trim()}` })
  }
}

function warmUp(seconds: number): number {
  return Math.min(2 * seconds, MOST_WARM_UP_SECONDS)
}

function rotated<T>(list: readonly T[], by: number): T[] {
  const at = by % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}

function middleRate(pairs: readonly Pair[] = []): number {
  return median(pairs.map(({ sample }) => sample.rps))
}

function shown({ cpuUs, rps, busy, errors }: Sample): string {
  const cost = cpuUs === undefined ? 'no answer' : `${cpuUs.toFixed(1)} µs`
  return `${cost}, ${rps.toFixed(0)}/s, core ${(busy * 100).toFixed(0)} %${errors === 0 ? '' : `, ${errors} errors`}`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
