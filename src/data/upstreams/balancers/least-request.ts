import type { BalancerCandidate } from '../../../core/balancer.ts'
import { TwoChoices } from './two-choices.ts'

/** Prefers the candidate with fewer requests in flight, by weight. */
export class LeastRequest<C extends BalancerCandidate> extends TwoChoices<C> {
  protected override isBetter(second: C, first: C): boolean {
    return second.load * first.weight < first.load * second.weight
  }
}
