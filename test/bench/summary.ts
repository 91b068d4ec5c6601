import type { Latency, Row, Sample } from './contract.ts'
import { median } from './median.ts'

/** A run of a peer, and the one of the reference in the same round; the reference's own are beside themselves. */
export interface Pair {
  readonly sample: Sample
  readonly beside: Sample
}

/** Medians of the rounds. A round without an answer has no cost, but its errors count. */
export function summary(peer: string, scenario: string, pairs: readonly Pair[], latencies: readonly Latency[]): Row {
  const samples = pairs.map(({ sample }) => sample)
  const costs = samples.flatMap(({ cpuUs }) => (cpuUs === undefined ? [] : [cpuUs]))
  const quotients = pairs.flatMap(({ beside, sample }) =>
    sample.cpuUs === undefined || beside.cpuUs === undefined ? [] : [sample.cpuUs / beside.cpuUs],
  )
  const first = latencies[0]
  const middle = (of: (latency: Latency) => number): number => median(latencies.map(of))
  return {
    peer,
    scenario,
    cpuUs: costs.length === 0 ? undefined : median(costs),
    cpuUsOfRounds: costs,
    quotients,
    ratio: quotients.length === 0 ? undefined : median(quotients),
    busy: median(samples.map(({ busy }) => busy)),
    rps: median(samples.map(({ rps }) => rps)),
    errors: samples.reduce((sum, { errors }) => sum + errors, 0),
    latency: first && {
      rate: first.rate,
      p50: middle(({ p50 }) => p50),
      p99: middle(({ p99 }) => p99),
      late: middle(({ late }) => late),
      errors: latencies.reduce((sum, { errors }) => sum + errors, 0),
    },
    peakMiB: Math.max(...samples.map(({ peakMiB }) => peakMiB)),
  }
}
