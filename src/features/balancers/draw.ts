import { type BalancerCandidate, eligible } from '../../core/balancer.ts'
import type { Random } from '../../lib/random.ts'

/** Random places to look at before looking at all: enough unless most candidates cannot be used. */
const DRAWS = 4

/** Draws candidates at random, each as likely as its weight. */
export class WeightedDraw<C extends BalancerCandidate> {
  private readonly random: Random
  private candidates: readonly C[] = []
  /** Sums of weights up to and including each place. */
  private sums: number[] = []

  constructor(random: Random) {
    this.random = random
  }

  update(candidates: readonly C[]): void {
    let sum = 0
    this.candidates = candidates
    this.sums = candidates.map((candidate) => {
      sum += candidate.weight
      return sum
    })
  }

  get size(): number {
    return this.candidates.length
  }

  /** An eligible one that is not `other`; undefined if there is none. */
  draw(excluded: readonly C[], other: C | undefined): C | undefined {
    const { candidates, sums } = this
    if (candidates.length === 0) return undefined
    const total = sums[sums.length - 1] as number
    for (let i = 0; i < DRAWS; i++) {
      const candidate = candidates[this.place(this.random.float() * total)] as C
      if (candidate !== other && eligible(candidate, excluded)) return candidate
    }
    return this.drawFromAll(excluded, other)
  }

  /** First place whose sum is above `point`. */
  private place(point: number): number {
    const { sums } = this
    let low = 0
    let high = sums.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sums[middle] as number) > point) high = middle
      else low = middle + 1
    }
    return low
  }

  private drawFromAll(excluded: readonly C[], other: C | undefined): C | undefined {
    let chosen: C | undefined
    let total = 0
    for (const candidate of this.candidates) {
      if (candidate === other || !eligible(candidate, excluded)) continue
      total += candidate.weight
      // Each replaces the one before it with its share of the weight so far: one pass, exact odds.
      if (this.random.float() * total < candidate.weight) chosen = candidate
    }
    return chosen
  }
}
