import type { Ownership } from '../../src/features/balancers/consistent.ts'
import { Maglev } from '../../src/features/balancers/maglev.ts'
import { Ring } from '../../src/features/balancers/ring.ts'
import { mix32 } from '../../src/lib/hash.ts'
import { seededRandom } from '../../src/lib/random.ts'
import { balancerOf, quantile, SimulatedEndpoint, type Simulation, simulate } from './simulate.ts'

export const ALGORITHMS: readonly string[] = [
  'round-robin',
  'random',
  'least-request',
  'peak-ewma',
  'ring-hash',
  'maglev',
]

/** All simulations begin with it. */
export const SEED = 20_261

/** Mean milliseconds of a healthy endpoint. */
export const MEAN_MS = 10
/** How many times slower the slow one is. */
export const SLOWER = 50
/** Requests per second: with three healthy endpoints each has 0.7, 3.3 or 10 in flight. */
export const LOADS: readonly number[] = [200, 1_000, 3_000]

/** One of three endpoints is slow, or fails at once. */
export interface SlowRow {
  readonly algorithm: string
  readonly perSecond: number
  /** 99th percentile with three healthy endpoints, milliseconds. */
  readonly calm: number
  readonly slow: number
  /** Medians. */
  readonly calmMedian: number
  readonly slowMedian: number
  /** Share of the requests that the slow one gets. */
  readonly shareOfSlow: number
  /** Share that one gets which answers with a failure after a tenth of the time. */
  readonly shareOfFailing: number
}

export function slowRow(algorithm: string, perSecond: number, seed = SEED): SlowRow {
  const run = (change: (first: SimulatedEndpoint) => void) => {
    const endpoints = Array.from({ length: 3 }, (_, i) => new SimulatedEndpoint(i, MEAN_MS))
    change(endpoints[0] as SimulatedEndpoint)
    return simulate({ algorithm, endpoints, perSecond, seconds: 40, warmUpSeconds: 10, seed })
  }
  const calm = run(() => {})
  const slow = run((first) => {
    first.meanMs *= SLOWER
  })
  const failing = run((first) => {
    first.fails = true
    first.meanMs /= 10
  })
  return {
    algorithm,
    perSecond,
    calm: quantile(calm.latencies, 0.99),
    slow: quantile(slow.latencies, 0.99),
    calmMedian: quantile(calm.latencies, 0.5),
    slowMedian: quantile(slow.latencies, 0.5),
    shareOfSlow: slow.shares[0] as number,
    shareOfFailing: failing.shares[0] as number,
  }
}

/** Ten endpoints of the weights 1 to 5, 100,000 requests that take no time, each with a key of its own. */
export interface SpreadRow {
  readonly algorithm: string
  /** Of an endpoint's share from what its weight says, relative: mean and greatest. */
  readonly mean: number
  readonly worst: number
}

export function spreadRow(algorithm: string, seed = SEED): SpreadRow {
  const endpoints = Array.from({ length: 10 }, (_, i) => new SimulatedEndpoint(i, 0, (i % 5) + 1))
  const balancer = balancerOf(algorithm, undefined, { random: seededRandom(seed), clock: { now: () => 0 } })
  balancer.update(endpoints)
  const picks = 100_000
  for (let i = 0; i < picks; i++) (balancer.pick([], mix32(i)) as SimulatedEndpoint).served++
  const weight = endpoints.reduce((sum, endpoint) => sum + endpoint.weight, 0)
  const off = endpoints.map((endpoint) => Math.abs((endpoint.served * weight) / (picks * endpoint.weight) - 1))
  return { algorithm, mean: off.reduce((a, b) => a + b) / off.length, worst: Math.max(...off) }
}

/** One of ten endpoints leaves. */
export interface DisruptionRow {
  readonly name: string
  /** Share of the keys that get another endpoint; a tenth is what must. */
  readonly moved: number
  /** Of the keys whose endpoint is still there. */
  readonly needless: number
}

export function disruptionRows(): DisruptionRow[] {
  return [
    disruption('ring-hash', () => new Ring()),
    disruption('maglev', () => new Maglev()),
    disruption('key modulo endpoints', () => new Modulo()),
  ]
}

function disruption(name: string, make: () => Ownership): DisruptionRow {
  const members = Array.from({ length: 10 }, (_, i) => new SimulatedEndpoint(i, 0))
  const owners = (list: readonly SimulatedEndpoint[]): ((key: number) => SimulatedEndpoint) => {
    const ownership = make()
    ownership.build(list)
    return (key) => list[ownership.owner(ownership.place(key))] as SimulatedEndpoint
  }
  const gone = members[3] as SimulatedEndpoint
  const before = owners(members)
  const after = owners(members.filter((member) => member !== gone))
  const keys = Array.from({ length: 100_000 }, (_, i) => mix32(i))
  const moved = keys.filter((key) => before(key) !== after(key))
  const stayed = keys.filter((key) => before(key) !== gone)
  return {
    name,
    moved: moved.length / keys.length,
    needless: moved.filter((key) => before(key) !== gone).length / stayed.length,
  }
}

/** For comparison: what consistent hashing is there to avoid. */
class Modulo implements Ownership {
  size = 0

  build(members: readonly unknown[]): void {
    this.size = members.length
  }

  place(key: number): number {
    return key % this.size
  }

  owner(place: number): number {
    return place
  }
}

/** Five endpoints and few clients, some of whom happen to have the same endpoint. */
export interface BoundRow {
  readonly algorithm: 'ring-hash' | 'maglev'
  /** The most requests in flight on one endpoint, relative to the mean. */
  readonly unbounded: number
  readonly bounded: number
}

export function boundRow(algorithm: BoundRow['algorithm'], seed = SEED): BoundRow {
  const peak = (factor: Partial<Simulation>): number => {
    const endpoints = Array.from({ length: 5 }, (_, i) => new SimulatedEndpoint(i, 100))
    return simulate({ algorithm, endpoints, perSecond: 1_000, seconds: 30, keys: 12, seed, ...factor }).peak
  }
  return { algorithm, unbounded: peak({}), bounded: peak({ balanceFactor: 1.25 }) }
}
