import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { backend } from './backend.ts'
import { type Child, startPinned } from './child.ts'
import type { Latency, Launch, Peer, Row, Sample, Scenario } from './contract.ts'
import { pace, saturate, type Target } from './load.ts'
import { median } from './median.ts'
import { answering, freePort } from './ports.ts'
import { cpuMicros, family, peakMiB } from './processes.ts'
import { type Pair, summary } from './summary.ts'

const GATEWAY_CORE = 0
const LOAD_CORE = 1
/** Code that is compiled as it runs settles within it. */
const WARM_UP_SECONDS = 4
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
  const launched = START_SECONDS + WARM_UP_SECONDS
  const paced = latency ? Math.min(rounds, PACED_ROUNDS) * (launched + PACED_TIMES * seconds) : 0
  return peers.length * (START_SECONDS + scenarios.length * (rounds * (launched + seconds) + paced))
}

/**
 * Runs every scenario against every peer in interleaved rounds: within a round peers alternate, and each round begins
 * with another peer, so that what else the machine does falls on all alike. Each is launched anew for each round and runs
 * alone: two processes of one program differ by more than a stage costs, and one that nobody asks loses what it had in
 * caches and memory.
 */
export async function bench(options: BenchOptions): Promise<BenchResult> {
  const children = new Set<Child>()
  try {
    return await new Bench(options, children).run()
  } finally {
    await Promise.all([...children].map((child) => child.stop()))
  }
}

class Bench {
  private readonly options: BenchOptions
  private readonly children: Set<Child>
  private readonly versions: Record<string, string> = {}
  private readonly skipped: { peer: string; why: string }[] = []
  private backendPort = 0
  private launches = 0

  constructor(options: BenchOptions, children: Set<Child>) {
    this.options = options
    this.children = children
  }

  async run(): Promise<BenchResult> {
    const { folder, scenarios } = this.options
    const port = await freePort()
    await this.start(LOAD_CORE, port, await backend(join(folder, 'backend'), port))
    this.backendPort = port
    const able = await this.able()
    const rows: Row[] = []
    for (const scenario of scenarios) rows.push(...(await this.scenario(able, scenario)))
    return { rows, versions: this.versions, skipped: this.skipped }
  }

  /** Peers that run on this machine. */
  private async able(): Promise<readonly Peer[]> {
    const able: Peer[] = []
    for (const peer of this.options.peers) {
      try {
        this.versions[peer.name] = await peer.version()
        await this.launched(peer, async () => {})
        able.push(peer)
      } catch (error) {
        this.options.signal.throwIfAborted()
        const why = messageOf(error)
        this.options.progress(`${peer.name} is left out: ${why}`)
        this.skipped.push({ peer: peer.name, why })
      }
    }
    if (able.length === 0) throw new Error('no peer runs on this machine')
    return able
  }

  /** Runs a peer for one measurement. */
  private async launched<T>(peer: Peer, measure: (running: Running) => Promise<T>): Promise<T> {
    const port = await freePort()
    const folder = join(this.options.folder, `launch-${this.launches++}`)
    await mkdir(folder, { recursive: true })
    const site = { folder, port, backendPort: this.backendPort }
    const child = await this.start(GATEWAY_CORE, port, await peer.launch(site))
    try {
      return await measure({ peer, child, port })
    } finally {
      await child.stop()
      this.children.delete(child)
      await rm(folder, { recursive: true, force: true })
    }
  }

  private async start(core: number, port: number, launch: Launch): Promise<Child> {
    this.options.signal.throwIfAborted()
    const child = await startPinned(core, launch)
    this.children.add(child)
    await answering(child, port, this.options.signal)
    return child
  }

  private async scenario(able: readonly Peer[], scenario: Scenario): Promise<Row[]> {
    const { progress, reference, rounds } = this.options
    const pairs = new Map<Peer, Pair[]>(able.map((one) => [one, []]))
    const standard = able.find(({ name }) => name === reference) ?? (able[0] as Peer)
    for (let round = 0; round < rounds; round++) {
      const samples = new Map<Peer, Sample>()
      for (const one of rotated(able, round)) {
        const sample = await this.sample(one, scenario)
        samples.set(one, sample)
        progress(`${scenario.name} ${round + 1}/${rounds} ${one.name}: ${shown(sample)}`)
      }
      const beside = samples.get(standard) as Sample
      for (const [one, sample] of samples) pairs.get(one)?.push({ sample, beside })
    }
    const latencies = await this.latencies(pairs, scenario)
    return able.map((one) => summary(one.name, scenario.name, pairs.get(one) ?? [], latencies.get(one) ?? []))
  }

  private async latencies(
    pairs: ReadonlyMap<Peer, readonly Pair[]>,
    scenario: Scenario,
  ): Promise<ReadonlyMap<Peer, readonly Latency[]>> {
    const { latency, progress, rounds } = this.options
    const taken = new Map<Peer, Latency[]>()
    const able = [...pairs.keys()].filter((one) => middleRate(pairs.get(one)) > 0)
    if (!latency || able.length === 0) return taken
    const rate = Math.max(1, Math.floor(PACE * Math.min(...able.map((one) => middleRate(pairs.get(one))))))
    progress(`${scenario.name}: percentiles at ${rate} requests a second`)
    for (let round = 0; round < Math.min(rounds, PACED_ROUNDS); round++) {
      for (const one of rotated(able, round)) {
        const paced = await this.paced(one, scenario, rate)
        if (paced !== undefined) taken.set(one, [...(taken.get(one) ?? []), paced])
      }
    }
    return taken
  }

  private async sample(peer: Peer, scenario: Scenario): Promise<Sample> {
    const { seconds } = this.options
    try {
      return await this.launched(peer, async (one) => {
        const target = this.target(one, scenario)
        await saturate(target, WARM_UP_SECONDS)
        const pids = family(one.child.pid)
        const cpuBefore = cpuMicros(pids)
        const before = performance.now()
        const { requests, rps, errors } = await saturate(target, seconds)
        const cpu = cpuMicros(pids) - cpuBefore
        const busy = cpu / 1000 / (performance.now() - before)
        return {
          cpuUs: requests === 0 ? undefined : cpu / requests,
          busy,
          requests,
          rps,
          errors,
          peakMiB: peakMiB(pids),
        }
      })
    } catch (error) {
      this.failed(peer, error)
      return { cpuUs: undefined, busy: 0, requests: 0, rps: 0, errors: 1, peakMiB: 0 }
    }
  }

  private async paced(peer: Peer, scenario: Scenario, rate: number): Promise<Latency | undefined> {
    try {
      return await this.launched(peer, async (one) => {
        const target = this.target(one, scenario)
        await saturate(target, WARM_UP_SECONDS)
        return await pace(target, rate, PACED_TIMES * this.options.seconds)
      })
    } catch (error) {
      this.failed(peer, error)
      return undefined
    }
  }

  private target({ peer, port }: Running, scenario: Scenario): Target {
    return { core: LOAD_CORE, port, peer, scenario, signal: this.options.signal }
  }

  /** One failed run spoils no table; what was asked to stop stops. */
  private failed({ name }: Peer, error: unknown): void {
    this.options.signal.throwIfAborted()
    this.options.progress(`${name}: ${messageOf(error)}`)
  }
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
