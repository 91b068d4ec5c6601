import type { OutcomeWindow } from '../../cells/window.ts'

/** How many retries an upstream may get. Names and defaults of Gateway API GEP-3388. Milliseconds and ratios. */
export interface RetryBudgetOptions {
  /** Retries to first tries of the latest `interval`, 0 to 1. */
  readonly percent: number
  readonly interval: number
  /** So many are always allowed. */
  readonly minRetryRate: { readonly count: number; readonly interval: number }
}

/**
 * Bounds what retries add to the load of an upstream that fails, over all its routes and all workers: never above the share,
 * since a retry is counted before the sum is read. First tries are never charged.
 */
export class RetryBudget {
  private readonly tries: OutcomeWindow
  private readonly options: RetryBudgetOptions
  private readonly floor: number

  /** `tries`: first tries, and retries as its failures. */
  constructor(tries: OutcomeWindow, options: RetryBudgetOptions) {
    const { interval, minRetryRate } = options
    this.tries = tries
    this.options = options
    this.floor = (minRetryRate.count * interval) / minRetryRate.interval
  }

  first(now: number): void {
    this.tries.add(now, this.options.interval, 1, 0)
  }

  /** The first try that was counted at `now` did not go. */
  withdraw(now: number): void {
    this.tries.add(now, this.options.interval, -1, 0)
  }

  /** False: no retry now. Each one that was allowed and did not go is given back. */
  take(now: number): boolean {
    const { interval, percent } = this.options
    this.tries.add(now, interval, 0, 1)
    const { total, failed } = this.tries.counts(now, interval)
    if (failed <= percent * total + this.floor) return true
    this.give(now)
    return false
  }

  give(now: number): void {
    this.tries.add(now, this.options.interval, 0, -1)
  }
}
