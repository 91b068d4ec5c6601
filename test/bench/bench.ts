import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { backend } from './backend.ts'
import { type Child, startPinned } from './child.ts'
import type { Latency, Peer, Row, Sample, Scenario } from './contract.ts'
import { pace, saturate } from './load.ts'
import { median } from './median.ts'
import { accepting, freePort } from './ports.ts'
import { cpuMicros, family, rssMiB } from './processes.ts'

const GATEWAY_CORE = 0
const LOAD_CORE = 1
const WARM_UP_SECONDS = 2
/** Of what the slowest peer can take: the fixed rate at which percentiles are taken. */
const PACE = 0.5

export interface BenchOptions {
  readonly peers: readonly Peer[]
  readonly scenarios: readonly Scenario[]
  readonly seconds: number
  readonly rounds: number
  /** Percentiles too. */
  readonly latency: boolean
  /** Ours; removed by the caller. */
  readonly folder: string
  readonly progress: (line: string) => void
}

export interface BenchResult {
  readonly rows: readonly Row[]
  /** Peers that could not run, and why. */
  readonly skipped: readonly { readonly peer: string; readonly why: string }[]
}

interface Running {
  readonly peer: Peer
  readonly child: Child
  readonly port: number
}

/**
 * Runs every scenario against every peer in interleaved rounds: within a round peers alternate, and each round begins
 * with another peer, so that what else the machine does falls on all alike. Peers run from the beginning to the end; one
 * that nobody asks costs next to nothing.
 */
export async function bench(options: BenchOptions): Promise<BenchResult> {
  const children: Child[] = []
  const stop = (): Promise<unknown> => Promise.all(children.map((child) => child.stop()))
  const interrupted = (): void => void stop().finally(() => process.exit(130))
  process.once('SIGINT', interrupted)
  process.once('SIGTERM', interrupted)
  try {
    return await new Bench(options, children).run()
  } finally {
    process.off('SIGINT', interrupted)
    process.off('SIGTERM', interrupted)
    await stop()
  }
}

class Bench {
  private readonly options: BenchOptions
  private readonly children: Child[]
  private readonly skipped: { peer: string; why: string }[] = []

  constructor(options: BenchOptions, children: Child[]) {
    this.options = options
    this.children = children
  }

  async run(): Promise<BenchResult> {
    const running = await this.startAll()
    const rows: Row[] = []
    for (const scenario of this.options.scenarios) rows.push(...(await this.scenario(running, scenario)))
    return { rows, skipped: this.skipped }
  }

  private async startAll(): Promise<Running[]> {
    const { folder, peers } = this.options
    const backendPort = await freePort()
    await this.start(LOAD_CORE, backendPort, await backend(join(folder, 'backend'), backendPort))
    const running: Running[] = []
    for (const [index, peer] of peers.entries()) {
      const port = await freePort()
      const site = { folder: join(folder, `peer-${index}`), port, backendPort }
      try {
        await mkdir(site.folder, { recursive: true })
        running.push({ peer, port, child: await this.start(GATEWAY_CORE, port, await peer.launch(site)) })
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        this.options.progress(`${peer.name} is left out: ${why}`)
        this.skipped.push({ peer: peer.name, why })
      }
    }
    return running
  }

  private async start(core: number, port: number, launch: Awaited<ReturnType<Peer['launch']>>): Promise<Child> {
    const child = await startPinned(core, launch)
    this.children.push(child)
    await accepting(child, port)
    return child
  }

  private async scenario(running: readonly Running[], scenario: Scenario): Promise<Row[]> {
    const samples = new Map<Running, Sample[]>(running.map((one) => [one, []]))
    const latencies = new Map<Running, Latency[]>(running.map((one) => [one, []]))
    for (const one of running) await saturate(LOAD_CORE, one.port, scenario, one.peer, WARM_UP_SECONDS)
    for (let round = 0; round < this.options.rounds; round++) {
      for (const one of rotated(running, round)) samples.get(one)?.push(await this.sample(one, scenario, round))
    }
    if (this.options.latency) {
      const rate = PACE * Math.min(...[...samples.values()].map((list) => median(list.map(({ rps }) => rps))))
      for (let round = 0; round < this.options.rounds; round++) {
        for (const one of rotated(running, round)) latencies.get(one)?.push(await this.paced(one, scenario, rate))
      }
    }
    return running.map((one) => row(one, scenario, samples.get(one) ?? [], latencies.get(one) ?? []))
  }

  private async sample({ peer, child, port }: Running, scenario: Scenario, round: number): Promise<Sample> {
    const pids = family(child.pid)
    const before = cpuMicros(pids)
    const { requests, rps, errors } = await saturate(LOAD_CORE, port, scenario, peer, this.options.seconds)
    const cpuUs = (cpuMicros(pids) - before) / requests
    const shown = `${cpuUs.toFixed(1)} µs, ${rps.toFixed(0)}/s${errors === 0 ? '' : `, ${errors} errors`}`
    this.options.progress(`${scenario.name} ${round + 1}/${this.options.rounds} ${peer.name}: ${shown}`)
    return { cpuUs, requests, rps, errors }
  }

  private paced({ port }: Running, scenario: Scenario, rate: number): Promise<Latency> {
    return pace(LOAD_CORE, port, scenario, rate, this.options.seconds, this.options.folder)
  }
}

function rotated<T>(list: readonly T[], by: number): T[] {
  const at = by % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}

function row(
  { peer, child }: Running,
  scenario: Scenario,
  samples: readonly Sample[],
  latencies: readonly Latency[],
): Row {
  const middle = (value: (sample: Sample) => number): number => median(samples.map(value))
  const first = latencies[0]
  return {
    peer: peer.name,
    scenario: scenario.name,
    cpuUs: middle(({ cpuUs }) => cpuUs),
    rps: middle(({ rps }) => rps),
    errors: samples.reduce((sum, { errors }) => sum + errors, 0),
    latency: first && {
      rate: first.rate,
      p50: median(latencies.map(({ p50 }) => p50)),
      p99: median(latencies.map(({ p99 }) => p99)),
    },
    rssMiB: rssMiB(family(child.pid)),
  }
}
