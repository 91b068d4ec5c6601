import { systemClock } from '../../../src/lib/clock.ts'
import { type Length, runDrill } from '../../../src/tools/drill/drill.ts'
import { Metrics } from '../../../src/tools/drill/metrics.ts'
import { type DrillRun, quantile } from '../../../src/tools/drill/run.ts'
import { Crowd } from '../crowd.ts'
import { atLength, withEndpoints } from '../stage.ts'
import type { Case } from './cases.ts'
import type { Contender } from './gateways.ts'

/** What clients and endpoints saw of a gateway in one case. Milliseconds and percent. */
export interface Figures {
  /** Requests that failed while the fault lasted, of those that should not have (isolation: of the other route). */
  readonly failed: number
  readonly calmP99: number
  readonly p50: number
  readonly p99: number
  /** Good answers per second while the fault lasted. */
  readonly goodput: number
  /** Requests that the endpoint with the fault got; of all endpoints, where all have it. */
  readonly sent: number
  /** From the end of the fault to the last request that failed. */
  readonly recovery: number
  /** The most requests at a time that the upstream had when it came back. */
  readonly peak: number
}

const NO_METRICS = new Metrics('')

export function measure({ crowd = 0, plan, scenario }: Case, contender: Contender, length: Length): Promise<Figures> {
  return withEndpoints(scenario, async (endpoints, concurrency) => {
    const gateway = await contender.start(plan, endpoints)
    const slow = new Crowd(gateway.port)
    try {
      const acts = { come: () => void slow.come(crowd), leave: () => slow.leave() }
      const stage = { port: gateway.port, endpoints, concurrency, scrape: async () => NO_METRICS, acts }
      return figuresOf(await runDrill(atLength(scenario, length), stage, systemClock, length))
    } finally {
      slow.leave()
      await gateway.stop()
    }
  })
}

function figuresOf(run: DrillRun): Figures {
  const sick = run.phase('fault').received.sick === undefined ? undefined : 'well'
  const fault = run.sent('fault', sick)
  const good = fault.filter(({ status }) => status === 200)
  const received = Object.values(run.phase('fault').received)[0] ?? []
  const { from, to } = run.phase('fault')
  return {
    failed: run.failedShare('fault', sick),
    calmP99: run.latency(0.99, 'calm', sick),
    p50: run.latency(0.5, 'fault', sick),
    p99: quantile(
      good.map(({ dueAt, endedAt }) => endedAt - dueAt),
      0.99,
    ),
    goodput: (1000 * good.length) / (to - from),
    sent: received[0] ?? 0,
    recovery: run.lastFailed('back'),
    peak: Math.max(...Object.values(run.phase('back').peak)),
  }
}

/** Of each figure the median. */
export function medians(runs: readonly Figures[]): Figures {
  const of = (key: keyof Figures): number =>
    quantile(
      runs.map((run) => run[key]),
      0.5,
    )
  return {
    failed: of('failed'),
    calmP99: of('calmP99'),
    p50: of('p50'),
    p99: of('p99'),
    goodput: of('goodput'),
    sent: of('sent'),
    recovery: of('recovery'),
    peak: of('peak'),
  }
}
