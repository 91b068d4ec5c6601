import type { Balancer, BalancerCandidate } from '../../core/balancer.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'

/** Share of its requests that a candidate gets at once. */
const FIRST_SHARE = 0.1

/**
 * In front of any algorithm: a candidate that has just begun to take requests again is skipped most of the time, and less
 * and less over `ms` milliseconds, as long as another one can be chosen.
 */
export class SlowStart<C extends BalancerCandidate> implements Balancer<C> {
  private readonly balancer: Balancer<C>
  private readonly ms: number
  private readonly random: Random
  private readonly clock: Pick<Clock, 'now'>

  constructor(balancer: Balancer<C>, ms: number, random: Random, clock: Pick<Clock, 'now'>) {
    this.balancer = balancer
    this.ms = ms
    this.random = random
    this.clock = clock
  }

  update(candidates: readonly C[]): void {
    this.balancer.update(candidates)
  }

  pick(excluded: readonly C[], key?: number): C | undefined {
    const first = this.balancer.pick(excluded, key)
    if (first === undefined) return undefined
    const now = this.clock.now()
    if (this.isReady(first, now)) return first
    const passed = [...excluded, first]
    for (;;) {
      const next = this.balancer.pick(passed, key)
      // All of them are warming up: as if none were.
      if (next === undefined) return first
      if (this.isReady(next, now)) return next
      passed.push(next)
    }
  }

  private isReady(candidate: C, now: number): boolean {
    const warmFor = candidate.warmFor(now)
    if (warmFor >= this.ms) return true
    return this.random.float() < FIRST_SHARE + (1 - FIRST_SHARE) * (warmFor / this.ms)
  }
}
