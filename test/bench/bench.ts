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
  /** How often all peers are started anew: the rounds are shared out among them. */
  readonly launches: number
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
  launches,
  latency,
}: Pick<BenchOptions, 'peers' | 'scenarios' | 'seconds' | 'rounds' | 'launches' | 'latency'>): number {
  const paced = latency ? PACED_TIMES * seconds * Math.min(rounds, PACED_ROUNDS) : 0
  const each = launches * START_SECONDS + scenarios.length * (launches * warmUp(seconds) + paced)
  return peers.length * each + scenarios.length * rounds * 2 * seconds * Math.max(1, peers.length - 1)
}

/**
 * Runs every scenario against every peer in interleaved rounds. Within a round each peer is measured right beside the
 * reference, before it in one round and after it in the next, so that what else the machine does falls on both sides of
 * a quotient. One that nobody asks costs next to nothing. All are started anew several times: what a compiler and the
 * memory make of a process stays as it is for its life, and differs from one to the next by more than a stage costs.
 */
export async function bench(options: BenchOptions): Promise<BenchResult> {
  const made = new Bench(options)
  for (let launch = 0; launch < options.launches; launch++) {
    try {
      await made.run(launch)
    } finally {
      await made.stop()
    }
  }
  return made.result()
}

/** What was found of one peer in one scenario. */
interface Found {
  readonly peer: string
  readonly scenario: string
  readonly pairs: Pair[]
  readonly latencies: Latency[]
  peakMiB: number
}

class Bench {
  private readonly options: BenchOptions
  private children: Child[] = []
  private readonly versions: Record<string, string> = {}
  private readonly skipped: { peer: string; why: string }[] = []
  private readonly found: Found[] = []

  constructor(options: BenchOptions) {
    this.options = options
  }

  async run(launch: number): Promise<void> {
    const running = await this.startAll()
    for (const scenario of this.options.scenarios) await this.scenario(running, scenario, launch)
  }

  async stop(): Promise<void> {
    const children = this.children
    this.children = []
    await Promise.all(children.map((child) => child.stop()))
  }

  result(): BenchResult {
    const rows = this.found.map(({ latencies, pairs, peakMiB, peer, scenario }) =>
      summary(peer, scenario, pairs, latencies, peakMiB),
    )
    return { rows, versions: this.versions, skipped: this.skipped }
  }

  private foundOf({ peer }: Running, scenario: Scenario): Found {
    const known = this.found.find((one) => one.peer === peer.name && one.scenario === scenario.name)
    if (known !== undefined) return known
    const made: Found = { peer: peer.name, scenario: scenario.name, pairs: [], latencies: [], peakMiB: 0 }
    this.found.push(made)
    return made
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
        this.skip(peer, why)
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

  private async scenario(running: readonly Running[], scenario: Scenario, launch: number): Promise<void> {
    const { latency, launches, rounds, seconds } = this.options
    const found = (one: Running): Found => this.foundOf(one, scenario)
    for (const one of running) {
      forgetPeak(family(one.child.pid))
      found(one)
      await this.sample(one, scenario, warmUp(seconds))
    }
    const reference = running.find(({ peer }) => peer.name === this.options.reference) ?? (running[0] as Running)
    const others = running.filter((one) => one !== reference)
    for (let round = launch; round < rounds; round += launches) {
      for (const one of others.length === 0 ? [reference] : rotated(others, round)) {
        const name = `${scenario.name} ${round + 1}/${rounds} ${one.peer.name}`
        const { beside, sample } = await this.pair(one, reference, scenario, round % 2 === 0)
        found(one).pairs.push({ sample, beside })
        found(reference).pairs.push({ sample: beside, beside })
        this.options.progress(`${name}: ${shown(sample)}; ${reference.peer.name}: ${shown(beside)}`)
      }
    }
    if (latency && launch === launches - 1) await this.percentiles(running, scenario)
    for (const one of running) found(one).peakMiB = Math.max(found(one).peakMiB, peakMiB(family(one.child.pid)))
  }

  private async percentiles(running: readonly Running[], scenario: Scenario): Promise<void> {
    const rateOf = (one: Running): number => middleRate(this.foundOf(one, scenario).pairs)
    const able = running.filter((one) => rateOf(one) > 0)
    if (able.length > 0) {
      const rate = Math.max(1, Math.floor(PACE * Math.min(...able.map(rateOf))))
      this.options.progress(`${scenario.name}: percentiles at ${rate} requests a second`)
      for (let round = 0; round < Math.min(this.options.rounds, PACED_ROUNDS); round++) {
        for (const one of rotated(able, round)) {
          const paced = await this.paced(one, scenario, rate)
          if (paced !== undefined) this.foundOf(one, scenario).latencies.push(paced)
        }
      }
    }
  }

  /** A reference without others is measured beside itself. */
  private async pair(one: Running, reference: Running, scenario: Scenario, referenceFirst: boolean): Promise<Pair> {
    const measure = (side: Running): Promise<Sample> => this.sample(side, scenario, this.options.seconds)
    if (referenceFirst) {
      const beside = await measure(reference)
      return { beside, sample: await measure(one) }
    }
    const sample = await measure(one)
    return { sample, beside: await measure(reference) }
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
    if (!child.running) this.skip(peer, `ended while it was measured: ${child.said.trim()}`)
  }

  private skip({ name }: Peer, why: string): void {
    if (!this.skipped.some(({ peer }) => peer === name)) this.skipped.push({ peer: name, why })
  }
}

function warmUp(seconds: number): number {
  return Math.min(2 * seconds, MOST_WARM_UP_SECONDS)
}

function rotated<T>(list: readonly T[], by: number): T[] {
  const at = by % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}

function middleRate(pairs: readonly Pair[]): number {
  return median(pairs.map(({ sample }) => sample.rps))
}

function shown({ cpuUs, rps, busy, errors }: Sample): string {
  const cost = cpuUs === undefined ? 'no answer' : `${cpuUs.toFixed(1)} µs`
  return `${cost}, ${rps.toFixed(0)}/s, core ${(busy * 100).toFixed(0)} %${errors === 0 ? '' : `, ${errors} errors`}`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
