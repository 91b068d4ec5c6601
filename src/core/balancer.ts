import type { Clock } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'

/** What a balancer chooses among. */
export interface BalancerCandidate {
  /** Identifies it, across restarts and on every worker. */
  readonly id: string
  /** At least 1. */
  readonly weight: number
  readonly usable: boolean
  /** Requests in flight, of all workers. */
  readonly load: number
  /** Where it runs. */
  readonly zone: string | undefined
  /** Clock milliseconds until which it counts as the slowest, because an attempt failed; 0: no attempt did. */
  readonly blamedUntil: number
  /** Its latency as this worker sees it; undefined if the algorithm does not use it. */
  readonly latency: Latency | undefined
  /** Milliseconds since it began to take requests again; Infinity: it always has. */
  warmFor(now: number): number
}

/** A latency that decays while nothing is observed. */
export interface Latency {
  /** Milliseconds; 0: nothing is known. */
  value(now: number): number
}

/** Chooses the next candidate. Synchronous, knows nothing of HTTP; one instance for each tier of an upstream. */
export interface Balancer<C extends BalancerCandidate> {
  /** Members or weights have changed; what is known of those that stay is kept. */
  update(candidates: readonly C[]): void
  /**
   * A usable candidate that is not `excluded`; undefined if there is none. `key`: 32-bit hash of the request's key;
   * undefined if it has none.
   */
  pick(excluded: readonly C[], key?: number): C | undefined
}

export function eligible<C extends BalancerCandidate>(candidate: C, excluded: readonly C[]): boolean {
  return candidate.usable && !excluded.includes(candidate)
}

/** How long a failed attempt makes a candidate the slowest: failing fast must not attract requests. Milliseconds. */
export const BLAME_MS = 1_000

/** A latency as it is observed. */
export interface MeasuredLatency extends Latency {
  /** An attempt took `ms` until the head of its answer; `failed`: it had none, or took at least so long. */
  observe(ms: number, failed: boolean, now: number): void
}

/** What balancers are made with. */
export interface BalancerDeps {
  readonly random: Random
  readonly clock: Pick<Clock, 'now'>
}

/** A way to choose among the usable endpoints of a tier; features may stand in front of it. */
export interface Algorithm {
  /** As in `loadBalancing.algorithm`. */
  readonly name: string
  /** For the reference, a clause after the name. */
  readonly doc: string
  /** It is the one where none is named. */
  readonly byDefault?: true
  /** It gives each key one endpoint: it needs a key. */
  readonly keyed?: true
  /** Endpoints that fail get their share until they are ejected. */
  readonly blind?: true
  /** How it measures the latency of each candidate; without: `BalancerCandidate.latency` is undefined. */
  readonly latency?: () => MeasuredLatency
  /** `balanceFactor`: how many times its fair share of the requests in flight an endpoint may have; for keyed ones. */
  create<C extends BalancerCandidate>(deps: BalancerDeps, balanceFactor: number | undefined): Balancer<C>
}

/** Makes the balancer of one tier. */
export type CreateBalancer<C extends BalancerCandidate> = () => Balancer<C>
