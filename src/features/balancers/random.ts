import type { Algorithm, Balancer, BalancerCandidate } from '../../core/balancer.ts'
import type { Random } from '../../lib/random.ts'
import { WeightedDraw } from './draw.ts'

/** Any candidate, each as likely as its weight. */
export class RandomChoice<C extends BalancerCandidate> implements Balancer<C> {
  private readonly chances: WeightedDraw<C>

  constructor(random: Random) {
    this.chances = new WeightedDraw(random)
  }

  update(candidates: readonly C[]): void {
    this.chances.update(candidates)
  }

  pick(excluded: readonly C[]): C | undefined {
    return this.chances.draw(excluded, undefined)
  }
}

export const randomChoice: Algorithm = {
  name: 'random',
  doc: 'any, by weight',
  blind: true,
  create: ({ random }) => new RandomChoice(random),
}
