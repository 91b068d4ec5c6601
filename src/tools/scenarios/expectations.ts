import { sendsUntilEjected } from '../drill/facts.ts'
import type { DrillRun } from '../drill/run.ts'
import { atMost, type Expectation, exactly } from '../drill/scenario.ts'

/** Of every scenario: nothing stays. */
export const NOTHING_HELD: Expectation<DrillRun> = exactly(
  'requests and connections that the gateway holds afterwards',
  0,
  '',
  (run) => run.held,
)

/** Of those in which an endpoint fails for good. */
export function oneEjection(phase: string): Expectation<DrillRun> {
  const ejections = (run: DrillRun) => run.grown(phase, 'sluice_ejections_total', { upstream: 'app' })
  return { ...exactly('ejections', 1, '', ejections), fits: sendsUntilEjected }
}

/** Of those that healthy endpoints should hide. */
export const HARDLY_ANY_FAILS: Expectation<DrillRun> = atMost('requests that failed', 0.1, '%', (run) =>
  run.failedShare(),
)

/** `after` to `before`, of medians or percentiles: how many times as long. */
export function growth(after: number, before: number): number {
  return after / before
}
