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

/** How a feature stops sending to one endpoint that fails; drills choose by it, too. */
export interface Ejection {
  /** Failed attempts in a row after which it does; Infinity: it judges otherwise. */
  readonly after: number
  /** For how long at least, milliseconds. */
  readonly forMs: number
  /** As {@link CutOff.recoveryMs}. */
  readonly recoveryMs: number
}
