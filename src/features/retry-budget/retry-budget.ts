import type { OutcomeWindow } from '../../cells/window.ts'
import type { RetryBudgetOptions } from './keys.ts'

/**
 * Bounds what retries add to the load of an upstream that fails, over all its routes and all workers: never above the share,
 * since a retry is counted before the sum is read. First attempts are never charged.
 */
export class RetryBudget {
  private readonly attempts: OutcomeWindow
  private readonly options: RetryBudgetOptions
  private readonly floor: number

  /** `attempts`: first attempts, and retries as its failures. */
  constructor(attempts: OutcomeWindow, options: RetryBudgetOptions) {
    const { interval, minRetryRate } = options
    this.attempts = attempts
    this.options = options
    this.floor = (minRetryRate.count * interval) / minRetryRate.interval
  }

  first(now: number): void {
    this.attempts.add(now, this.options.interval, 1, 0)
  }

  /** The first attempt that was counted at `now` was not sent. */
  withdraw(now: number): void {
    this.attempts.add(now, this.options.interval, -1, 0)
  }

  /** False: no retry now. Each retry that was allowed and not sent is given back. */
  take(now: number): boolean {
    const { interval, percent } = this.options
    this.attempts.add(now, interval, 0, 1)
    const { total, failed } = this.attempts.counts(now, interval)
    if (failed <= percent * total + this.floor) return true
    this.give(now)
    return false
  }

  give(now: number): void {
    this.attempts.add(now, this.options.interval, 0, -1)
  }
}
