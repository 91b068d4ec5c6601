import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { backend } from './backend.ts'
import { type Child, startPinned } from './child.ts'
import type { Latency, Launch, Peer, Row, Sample, Scenario } from './contract.ts'
import { pace, saturate, type Target } from './load.ts'
import { answering, freePort } from './ports.ts'
import { cpuMicros, family, peakMiB } from './processes.ts'
import { type Pair, summary } from './summary.ts'

const GATEWAY_CORE = 0
const LOAD_CORE = 1
/** Until it answers: what is compiled before it runs, and what is not. */
const START_SECONDS = { native: 0.2, other: 1.2 } as const
/** The first of several workers answers before the others do: all connections would go to it. */
const SETTLE_SECONDS = 1
/** Of what is compiled before it runs. */
const NATIVE_WARM_UP = 1
/** After the first round, which tells the rate. Percentiles settle sooner than CPU times, and say less. */
const PACED_ROUNDS = 3
/** Percentiles need more answers than a median of many pairs. */
const PACED_TIMES = 3
/** Of what the slowest peer can take: the fixed rate at which percentiles are taken. */
const PACE = 0.5

export interface BenchOptions {
  readonly peers: readonly Peer[]
  readonly scenarios: readonly Scenario[]
  /** Name of one of the peers. Where it cannot run, the first that can takes its place. */
  readonly reference: string
  /** Asked before it is measured: code that is compiled as it runs settles meanwhile, that of stages that see few of the requests last. Of native peers a second does. */
  readonly warmUp: number
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

/** What the rounds of one peer gave. */
interface Taken {
  readonly pairs: Pair[]
  readonly latencies: Latency[]
}

interface Measured {
  readonly sample: Sample
  readonly paced: Latency | undefined
}

/** A launch that failed. */
const NOTHING: Sample = { cpuUs: undefined, busy: 0, requests: 0, rps: 0, errors: 1, peakMiB: 0 }

interface Running {
  readonly peer: Peer
  readonly child: Child
  readonly port: number
}

/** Whole seconds that a run takes when every tool keeps its time. */
export function estimate({
  peers,
  scenarios,
  warmUp,
  seconds,
  rounds,
  latency,
}: Pick<BenchOptions, 'peers' | 'scenarios' | 'warmUp' | 'seconds' | 'rounds' | 'latency'>): number {
  const paced = latency ? Math.min(rounds - 1, PACED_ROUNDS) * PACED_TIMES * seconds : 0
  let sum = 0
  for (const peer of peers) {
    const start = peer.native ? START_SECONDS.native : START_SECONDS.other
    const launch = start + (peer.several ? SETTLE_SECONDS : 0) + warmUpOf(peer, warmUp) + seconds
    sum += start + scenarios.filter(({ name }) => measuredIn(peer, name)).length * (rounds * launch + paced)
  }
  return Math.ceil(sum)
}

function warmUpOf(peer: Peer, warmUp: number): number {
  return peer.native ? Math.min(NATIVE_WARM_UP, warmUp) : warmUp
}

function measuredIn({ only }: Peer, scenario: string): boolean {
  return only === undefined || only.includes(scenario)
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
    for (const scenario of scenarios) {
      const asked = able.filter((peer) => measuredIn(peer, scenario.name))
      if (asked.length > 0) rows.push(...(await this.scenario(asked, scenario)))
    }
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
    const { latency, progress, reference, rounds } = this.options
    const taken = new Map<Peer, Taken>(able.map((one) => [one, { pairs: [], latencies: [] }]))
    const standard = able.find(({ name }) => name === reference) ?? (able[0] as Peer)
    let rate: number | undefined
    for (let round = 0; round < rounds; round++) {
      const samples = new Map<Peer, Sample>()
      for (const one of rotated(able, round)) {
        const { paced, sample } = await this.measure(one, scenario, round <= PACED_ROUNDS ? rate : undefined)
        samples.set(one, sample)
        if (paced !== undefined) taken.get(one)?.latencies.push(paced)
        progress(`${scenario.name} ${round + 1}/${rounds} ${one.name}: ${shown(sample)}`)
      }
      const beside = samples.get(standard) as Sample
      for (const [one, sample] of samples) taken.get(one)?.pairs.push({ sample, beside })
      if (latency) rate ??= paceOf([...samples.values()])
    }
    return [...taken].map(([{ name }, { latencies, pairs }]) => summary(name, scenario.name, pairs, latencies))
  }

  /** One launch. `rate`: for percentiles; undefined: without. */
  private async measure(peer: Peer, scenario: Scenario, rate: number | undefined): Promise<Measured> {
    const { seconds, warmUp } = this.options
    try {
      return await this.launched(peer, async (one) => {
        const target = this.target(one, scenario)
        if (peer.several) await setTimeout(SETTLE_SECONDS * 1000, undefined, { signal: this.options.signal })
        await saturate(target, warmUpOf(peer, warmUp))
        const sample = await this.sample(one, target)
        return { sample, paced: rate === undefined ? undefined : await pace(target, rate, PACED_TIMES * seconds) }
      })
    } catch (error) {
      this.options.signal.throwIfAborted()
      this.options.progress(`${peer.name}: ${messageOf(error)}`)
      return { sample: NOTHING, paced: undefined }
    }
  }

  private async sample({ child }: Running, target: Target): Promise<Sample> {
    const pids = family(child.pid)
    const cpuBefore = cpuMicros(pids)
    const before = performance.now()
    const { requests, rps, errors } = await saturate(target, this.options.seconds)
    const cpu = cpuMicros(pids) - cpuBefore
    const busy = cpu / 1000 / (performance.now() - before)
    return { cpuUs: requests === 0 ? undefined : cpu / requests, busy, requests, rps, errors, peakMiB: peakMiB(pids) }
  }

  private target({ peer, port }: Running, scenario: Scenario): Target {
    return { core: LOAD_CORE, port, peer, scenario, signal: this.options.signal }
  }
}

function rotated<T>(list: readonly T[], by: number): T[] {
  const at = by % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}

/** Of what the slowest has taken; undefined: none has answered. */
function paceOf(samples: readonly Sample[]): number | undefined {
  const rates = samples.map(({ rps }) => rps).filter((rate) => rate > 0)
  return rates.length === 0 ? undefined : Math.max(1, Math.floor(PACE * Math.min(...rates)))
}

function shown({ cpuUs, rps, busy, errors }: Sample): string {
  const cost = cpuUs === undefined ? 'no answer' : `${cpuUs.toFixed(1)} µs`
  return `${cost}, ${rps.toFixed(0)}/s, core ${(busy * 100).toFixed(0)} %${errors === 0 ? '' : `, ${errors} errors`}`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
