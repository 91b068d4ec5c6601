import type { UpstreamConfig } from '../../../core/config.ts'
import type { Random } from '../../../lib/random.ts'
import type { Balancer, Candidate } from './contract.ts'
import { LeastRequest } from './least-request.ts'
import { RoundRobin } from './round-robin.ts'

/** The balancer of an algorithm's name. */
export function createBalancer<C extends Candidate>(
  algorithm: UpstreamConfig['algorithm'],
  random: Random,
): Balancer<C> {
  switch (algorithm) {
    case 'round-robin':
      return new RoundRobin<C>()
    case 'least-request':
      return new LeastRequest<C>(random)
  }
}
