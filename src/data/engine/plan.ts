import type { RouteConfig } from '../../core/config.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { OutcomeClass } from '../../core/outcome.ts'
import { fractionOf } from '../../lib/hash.ts'
import type { Upstream } from '../upstreams/upstream.ts'
import { Split } from './split.ts'

/** Which upstreams a route asks, how often, and after which failures. Compiled once; asked by engine/attempts.ts. */
export class AttemptPlan {
  readonly maxAttempts: number
  /** Milliseconds; undefined: no bound of its own. */
  readonly attemptTimeout: number | undefined
  readonly split: Split
  private readonly when: ReadonlySet<string | number>
  private readonly methods: ReadonlySet<string>
  /** Milliseconds: half of the time that a request has in all. */
  private readonly half: number
  /** undefined: no second attempt beside the first. `delay` undefined: the observed p95. */
  readonly hedge: RouteConfig['hedge']
  /** Milliseconds. */
  readonly retryAfterCap: number
  private readonly backoff: { readonly base: number; readonly cap: number }

  constructor(
    route: Pick<RouteConfig, 'to' | 'failover' | 'spill' | 'timeouts' | 'retries' | 'hedge'>,
    upstream: (name: string) => Upstream,
  ) {
    this.maxAttempts = 1 + route.retries.maxExtra
    this.attemptTimeout = route.timeouts.attempt
    const { request = Number.POSITIVE_INFINITY, total = Number.POSITIVE_INFINITY } = route.timeouts
    this.half = Math.min(request, total) / 2
    this.split = new Split(route.to ?? [], route.failover, route.spill, upstream)
    this.when = new Set(route.retries.when)
    this.methods = new Set(route.retries.methods)
    this.backoff = route.retries.backoff
    this.hedge = route.hedge
    this.retryAfterCap = route.retries.retryAfterCap
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

  /** Whether the route asks for another attempt after this outcome. */
  retriesOn(outcome: OutcomeClass): boolean {
    // Most answers: with thousands of routes each set that is read is a cache miss.
    if (typeof outcome === 'number' && outcome < 400) return false
    return this.when.has(outcome) || (typeof outcome === 'number' && outcome >= 500 && this.when.has('5xx'))
  }

  /** Whether the method may be repeated once bytes of it were sent. */
  repeats(method: string): boolean {
    return this.methods.has(method)
  }

  /**
   * Milliseconds before the attempt after `attempts` attempts: exponential with full jitter ("Exponential Backoff And Jitter",
   * Brooker, AWS 2015). A pure function of the request ID, so that a schedule can be reproduced.
   */
  backoffMs(attempts: number, requestId: string): number {
    const ceiling = Math.min(this.backoff.cap, this.backoff.base * 2 ** (attempts - 1))
    return fractionOf(requestId, attempts) * ceiling
  }
}
