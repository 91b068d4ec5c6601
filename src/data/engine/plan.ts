import type { WeightedUpstream } from '../../core/config.ts'
import type { Exchange } from '../../core/exchange.ts'
import {
  type Buffers,
  type FurtherAttempts,
  NO_BUFFERS,
  NO_FURTHER,
  NO_LIMITS,
  type PlanPart,
  type SecondAttempt,
} from '../../core/plan.ts'
import type { Upstream } from '../upstreams/upstream.ts'
import { Split } from './split.ts'

/**
 * Which upstreams a route asks, how often and for how long: what its features say, in fields that the loop reads. Compiled once;
 * asked by engine/attempt-loop.ts.
 */
export class AttemptPlan {
  readonly maxAttempts: number
  readonly again: FurtherAttempts
  /** undefined: no second attempt beside the first. */
  readonly beside: SecondAttempt | undefined
  /** Milliseconds; undefined: no bound of its own. */
  readonly attemptTimeout: number | undefined
  readonly split: Split
  readonly buffers: Buffers
  /** What comes of attempts teaches those who learn. */
  readonly teaches: boolean
  /** Milliseconds: half of the time that a request has in all. */
  private readonly half: number

  constructor(
    { again = NO_FURTHER, beside, buffers = NO_BUFFERS, first, limit = NO_LIMITS }: PlanPart,
    to: readonly WeightedUpstream[],
    alternates: readonly string[],
    upstream: (name: string) => Upstream,
    teaches = true,
  ) {
    const { attempt, request = Number.POSITIVE_INFINITY, total = Number.POSITIVE_INFINITY } = limit
    this.maxAttempts = 1 + again.most
    this.again = again
    this.beside = beside
    this.attemptTimeout = attempt
    this.buffers = buffers
    this.teaches = teaches
    this.split = new Split(to, alternates, first, upstream)
    this.half = Math.min(request, total) / 2
  }

  /** Whether the path chooses the endpoint of a request, at any upstream that it may go to. */
  hashesPath(ex: Exchange): boolean {
    return this.split.shares.some(({ upstreams }) => upstreams.some((upstream) => upstream.hashesPath(ex)))
  }

  /**
   * Milliseconds that an attempt must have had before it is blamed for a deadline. `patience`: used if the route sets none.
   */
  fairTime(patience: number): number {
    return Math.min(this.attemptTimeout ?? patience, this.half)
  }
}
