import type { BalancerCandidate } from '../../src/core/balancer.ts'
import { PeakEwma } from '../../src/features/balancers/peak-ewma.ts'

/** A candidate whose facts are set by hand. */
export class TestCandidate implements BalancerCandidate {
  readonly id: string
  weight: number
  usable = true
  load = 0
  zone: string | undefined = undefined
  blamedUntil = 0
  readonly latency = new PeakEwma()
  /** Clock milliseconds since when it takes requests again; undefined: it always did. */
  since: number | undefined = undefined

  constructor(id: string, weight = 1) {
    this.id = id
    this.weight = weight
  }

  warmFor(now: number): number {
    return this.since === undefined ? Number.POSITIVE_INFINITY : now - this.since
  }
}

/** `a`, `b`, `c`, … of these weights. */
export function candidates(...weights: readonly number[]): TestCandidate[] {
  return weights.map((weight, i) => new TestCandidate('abcdefghij'[i] as string, weight))
}
