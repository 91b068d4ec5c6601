import type { Clock } from '../../lib/clock.ts'
import type { Concurrency, FaultyEndpoint } from './endpoint.ts'
import type { Metrics } from './metrics.ts'
import { Pacer } from './pacer.ts'
import { type DrillOutcome, DrillRun, type PhaseSeen } from './run.ts'
import type { DrillPhase, DrillScenario } from './scenario.ts'

/** A gateway under drill, and its upstreams. */
export interface DrillStage {
  /** Of the gateway's listener. */
  readonly port: number
  readonly endpoints: Readonly<Record<string, readonly FaultyEndpoint[]>>
  readonly concurrency: Readonly<Record<string, Concurrency>>
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>
  /** How long a phase may wait for its end, milliseconds; by default 15 s. */
  readonly untilMs?: number
  scrape(): Promise<Metrics>
  /** What phases ask for by name. */
  readonly acts?: Readonly<Record<string, () => void>>
}

export type Length = 'short' | 'full'

const UNTIL_MS = 15_000
const ENDS_WITHIN_MS = 20_000
const LOOK_EVERY_MS = 20

/** Runs a scenario on a stage that is ready: its phases, one after another, under steady load. */
export async function runDrill(
  scenario: DrillScenario,
  stage: DrillStage,
  clock: Clock,
  length: Length,
): Promise<DrillRun> {
  const pacers: Pacer[] = []
  const phases: PhaseSeen[] = []
  try {
    const steady = scenario.load.filter(({ only }) => only === undefined)
    for (const plan of steady) pacers.push(new Pacer(clock, stage.port, plan, stage.headers))
    for (const phase of scenario.phases) {
      const more = scenario.load.filter(({ only }) => only?.includes(phase.name))
      const extra = more.map((plan) => new Pacer(clock, stage.port, plan, stage.headers))
      pacers.push(...extra)
      phases.push(await play(phase, stage, clock, length))
      for (const pacer of extra) pacer.stop()
    }
    for (const pacer of pacers) pacer.stop()
    await waitFor(clock, () => pacers.every(({ underWay }) => underWay === 0))
  } finally {
    for (const pacer of pacers) pacer.close()
  }
  // Requests that were cut have failed.
  await waitFor(clock, () => pacers.every(({ underWay }) => underWay === 0))
  const outcomes: DrillOutcome[] = pacers.flatMap((pacer) => pacer.outcomes)
  const received = await receivedOf(stage)
  let end = new DrillRun(outcomes, phases, await stage.scrape(), received)
  await waitFor(clock, async () => {
    if (end.held === 0) return true
    end = new DrillRun(outcomes, phases, await stage.scrape(), received)
    return end.held === 0
  })
  return end
}

async function play(phase: DrillPhase, stage: DrillStage, clock: Clock, length: Length): Promise<PhaseSeen> {
  const before = await stage.scrape()
  const receivedBefore = await receivedOf(stage)
  for (const concurrency of Object.values(stage.concurrency)) concurrency.peak = concurrency.now
  const busyBefore = busy(stage)
  const from = clock.now()
  for (const { upstream, endpoint, fault } of phase.faults ?? []) {
    const all = stage.endpoints[upstream] ?? []
    await Promise.all((endpoint === undefined ? all : all.slice(endpoint, endpoint + 1)).map((one) => one.set(fault)))
  }
  const setAt = clock.now()
  if (phase.act !== undefined) stage.acts?.[phase.act]?.()
  await sleep(clock, from + phase.seconds[length === 'short' ? 0 : 1] * 1000 - clock.now())
  const { until } = phase
  if (until !== undefined) await waitFor(clock, () => isOver(until, stage, receivedBefore), stage.untilMs ?? UNTIL_MS)
  const peak = Object.fromEntries(Object.entries(stage.concurrency).map(([name, of]) => [name, of.peak]))
  const to = clock.now()
  const busyMs = Object.fromEntries(
    Object.entries(busy(stage)).map(([name, ms]) => [name, ms - (busyBefore[name] ?? 0)]),
  )
  const received = minus(await receivedOf(stage), receivedBefore)
  return { name: phase.name, from, setAt, to, before, after: await stage.scrape(), received, peak, busyMs }
}

function busy({ concurrency }: DrillStage): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(concurrency).map(([name, { busyMs }]) => [name, busyMs]))
}

type Received = Readonly<Record<string, readonly number[]>>

async function isOver(until: NonNullable<DrillPhase['until']>, stage: DrillStage, before: Received): Promise<boolean> {
  const received = minus(await receivedOf(stage), before)
  return until({
    metrics: await stage.scrape(),
    received: (upstream, endpoint) => received[upstream]?.[endpoint] ?? 0,
  })
}

async function receivedOf(stage: DrillStage): Promise<Received> {
  const counted = Object.entries(stage.endpoints).map(async ([name, endpoints]) => {
    return [name, await Promise.all(endpoints.map((endpoint) => endpoint.received()))] as const
  })
  return Object.fromEntries(await Promise.all(counted))
}

function minus(after: Received, before: Received): Received {
  const grown = Object.entries(after).map(([name, counts]) => {
    return [name, counts.map((count, i) => count - (before[name]?.[i] ?? 0))] as const
  })
  return Object.fromEntries(grown)
}

/** Until it holds or the time is over. */
async function waitFor(
  clock: Clock,
  condition: () => boolean | Promise<boolean>,
  mostMs = ENDS_WITHIN_MS,
): Promise<void> {
  const end = clock.now() + mostMs
  while (!(await condition()) && clock.now() < end) await sleep(clock, LOOK_EVERY_MS)
}

function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(Math.max(0, ms), resolve))
}
