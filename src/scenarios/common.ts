import type { Run } from '../drill/run.ts'
import { atMost, type Expectation, exactly } from '../drill/scenario.ts'

/** Of every scenario: nothing stays. */
export const NOTHING_HELD: Expectation<Run> = exactly(
  'requests and connections that the gateway holds afterwards',
  0,
  '',
  (run) => run.held,
)

/** Of those that healthy endpoints should hide. */
export const HARDLY_ANY_FAILS: Expectation<Run> = atMost('requests that failed', 0.1, '%', (run) => run.failedShare())

/** `after` to `before`, of medians or percentiles: how many times as long. */
export function growth(after: number, before: number): number {
  return after / before
}
