import type { Algorithm, BalancingConfig } from '../../../core/config.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Random } from '../../../lib/random.ts'
import { Consistent } from './consistent.ts'
import type { Balancer, BalancerCandidate } from './contract.ts'
import { LeastRequest } from './least-request.ts'
import { LowestLatency } from './lowest-latency.ts'
import { Maglev } from './maglev.ts'
import { RandomChoice } from './random.ts'
import { Ring } from './ring.ts'
import { RoundRobin } from './round-robin.ts'
import { ShuffleSharding } from './shuffle.ts'
import { SlowStart } from './slow-start.ts'
import { ZoneFirst } from './zone-first.ts'

/** What balancers are made with. */
export interface BalancerDeps {
  readonly random: Random
  readonly clock: Pick<Clock, 'now'>
}

/** What decides how a tier is balanced. */
export type BalancerOptions = Pick<BalancingConfig, 'balanceFactor' | 'slowStart' | 'zone' | 'subset'>

/** The algorithm with its wrappers, outermost first: subset, zone, slow start. What is off is left out. */
export function createBalancer<C extends BalancerCandidate>(
  algorithm: Algorithm,
  options: BalancerOptions,
  deps: BalancerDeps,
): Balancer<C> {
  const { slowStart, subset, zone } = options
  const { clock, random } = deps
  const plain = (): Balancer<C> => createAlgorithm(algorithm, options.balanceFactor, deps)
  const warming = slowStart === undefined ? plain : (): Balancer<C> => new SlowStart(plain(), slowStart, random, clock)
  const zoned = zone === undefined ? warming : (): Balancer<C> => new ZoneFirst(zone, warming)
  return subset === undefined ? zoned() : new ShuffleSharding(subset, random, zoned)
}

function createAlgorithm<C extends BalancerCandidate>(
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
