import type { Balancer, BalancerCandidate } from '../../../core/balancer.ts'
import type { Algorithm } from '../../../core/config.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Random } from '../../../lib/random.ts'
import { Consistent } from './consistent.ts'
import { LeastRequest } from './least-request.ts'
import { LowestLatency } from './lowest-latency.ts'
import { Maglev } from './maglev.ts'
import { RandomChoice } from './random.ts'
import { Ring } from './ring.ts'
import { RoundRobin } from './round-robin.ts'

/** What balancers are made with. */
export interface BalancerDeps {
  readonly random: Random
  readonly clock: Pick<Clock, 'now'>
}

/** What a tier is balanced by; features may stand in front of it. */
export function createBalancer<C extends BalancerCandidate>(
  algorithm: Algorithm,
  balanceFactor: number | undefined,
  { random, clock }: BalancerDeps,
): Balancer<C> {
  switch (algorithm) {
    case 'round-robin':
      return new RoundRobin<C>()
    case 'least-request':
      return new LeastRequest<C>(random, clock)
    case 'random':
      return new RandomChoice<C>(random)
    case 'peak-ewma':
      return new LowestLatency<C>(random, clock)
    case 'ring-hash':
      return new Consistent<C>(new Ring(), balanceFactor, random)
    case 'maglev':
      return new Consistent<C>(new Maglev(), balanceFactor, random)
  }
}
