import type { OutcomeClass } from './outcome.ts'

/** How a feature stops asking an upstream that fails, and comes back; drills choose by it what fits a config. */
export interface CutOff {
  /** Whether 2 s of failures with all these outcomes, 50 per second, make it refuse. */
  refusesAfter(outcomes: readonly OutcomeClass[]): boolean
  /** Attempts that decide whether the upstream has recovered. */
  readonly probes: number
  /** The longest that it goes on refusing, or holding back a share, once the upstream has recovered; milliseconds. */
  readonly recoveryMs: number
}
