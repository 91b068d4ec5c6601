import type { Algorithm, BalancerCandidate } from '../../core/balancer.ts'
import { TwoChoices } from './two-choices.ts'

/** Prefers the candidate with fewer requests in flight, by weight. */
export class LeastRequest<C extends BalancerCandidate> extends TwoChoices<C> {
  protected override isBetter(second: C, first: C): boolean {
    return second.load * first.weight < first.load * second.weight
  }
}

export const leastBusy: Algorithm = {
  name: 'least-request',
  doc: 'of two drawn at random, the one with fewer requests in flight',
  byDefault: true,
  create: ({ clock, random }) => new LeastRequest(random, clock),
}
