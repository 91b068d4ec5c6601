import type { Balancer, BalancerCandidate } from '../../core/balancer.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'
import { WeightedDraw } from './draw.ts'

/**
 * The better of two candidates drawn at random, each as likely as its weight. Source: M. Mitzenmacher, "The Power of Two
 * Choices in Randomized Load Balancing" (IEEE TPDS 12(10), 2001). Reading two cells instead of all costs the same however
 * many candidates there are, and workers that choose at the same time do not all choose the same one. A candidate whose
 * attempt has just failed loses: otherwise it would look idle because it fails fast.
 */
export abstract class TwoChoices<C extends BalancerCandidate> implements Balancer<C> {
  protected readonly clock: Pick<Clock, 'now'>
  private readonly chances: WeightedDraw<C>

  constructor(random: Random, clock: Pick<Clock, 'now'>) {
    this.chances = new WeightedDraw(random)
    this.clock = clock
  }

  update(candidates: readonly C[]): void {
    this.chances.update(candidates)
  }

  pick(excluded: readonly C[]): C | undefined {
    const first = this.chances.draw(excluded, undefined)
    if (first === undefined || this.chances.size === 1) return first
    const second = this.chances.draw(excluded, first)
    if (second === undefined) return first
    if (first.blamedUntil !== second.blamedUntil) {
      const now = this.clock.now()
      const blamed = first.blamedUntil > now
      if (blamed !== second.blamedUntil > now) return blamed ? second : first
    }
    return this.isBetter(second, first) ? second : first
  }

  protected abstract isBetter(second: C, first: C): boolean
}
