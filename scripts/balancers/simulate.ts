import { type Balancer, type BalancerCandidate, type BalancerDeps, BLAME_MS } from '../../src/core/balancer.ts'
import { algorithmsOf } from '../../src/core/feature.ts'
import { PeakEwma } from '../../src/features/balancers/peak-ewma.ts'
import { FEATURES } from '../../src/features/index.ts'
import { mix32 } from '../../src/lib/hash.ts'
import { type Random, seededRandom } from '../../src/lib/random.ts'
import { Agenda } from './agenda.ts'

/** An endpoint of a simulation: serves everything at once, each request for as long as it takes. */
export class SimulatedEndpoint implements BalancerCandidate {
  readonly id: string
  readonly weight: number
  readonly usable = true
  readonly zone = undefined
  readonly latency = new PeakEwma()
  load = 0
  blamedUntil = 0
  served = 0
  /** Mean milliseconds of a request. */
  meanMs: number
  /** Answers nothing but failures. */
  fails = false

  constructor(index: number, meanMs: number, weight = 1) {
    this.id = `http://10.0.0.${index + 1}:8080`
    this.weight = weight
    this.meanMs = meanMs
  }

  warmFor(): number {
    return Number.POSITIVE_INFINITY
  }
}

/** Of one tier, by the name of its algorithm. */
export function balancerOf(
  name: string,
  balanceFactor: number | undefined,
  deps: BalancerDeps,
): Balancer<SimulatedEndpoint> {
  const algorithm = algorithmsOf(FEATURES).get(name)
  if (algorithm === undefined) throw new Error(`no algorithm ${name}`)
  return algorithm.create(deps, balanceFactor)
}

export interface Simulation {
  readonly algorithm: string
  readonly endpoints: readonly SimulatedEndpoint[]
  /** Of the arrivals, whose gaps are exponential. */
  readonly perSecond: number
  readonly seconds: number
  readonly seed: number
  /** Requests of the first seconds don't count: averages settle in them. */
  readonly warmUpSeconds?: number
  readonly balanceFactor?: number
  /** Number of clients, each with a key of its own. */
  readonly keys?: number
}

export interface Outcome {
  /** Milliseconds of every request, sorted. */
  readonly latencies: readonly number[]
  /** Share of the requests, by endpoint. */
  readonly shares: readonly number[]
  /** The most requests in flight on one endpoint, over the mean of all at that time; from 30 in flight. */
  readonly peak: number
}

/** Standard deviation of the logarithm of service times: a 99th percentile of six times the mean. */
const SIGMA = 1

/** Runs in virtual time; the same seed gives the same outcome. */
export function simulate({
  algorithm,
  balanceFactor,
  endpoints,
  keys = 10_000,
  perSecond,
  seconds,
  seed,
  warmUpSeconds = 0,
}: Simulation): Outcome {
  const random = seededRandom(seed)
  let now = 0
  const agenda = new Agenda<() => void>()
  const balancer = balancerOf(algorithm, balanceFactor, { random: seededRandom(seed + 1), clock: { now: () => now } })
  balancer.update(endpoints)
  const latencies: number[] = []
  const counts = endpoints.map(() => 0)
  let inFlight = 0
  let peak = 0

  const arrive = (): void => {
    const endpoint = balancer.pick([], mix32(random.uint32() % keys)) as SimulatedEndpoint
    const begun = now
    endpoint.load++
    inFlight++
    const mean = inFlight / endpoints.length
    if (inFlight >= 30) peak = Math.max(peak, endpoint.load / mean)
    agenda.add(now + serviceMs(endpoint.meanMs, random), () => {
      endpoint.load--
      inFlight--
      if (endpoint.fails) endpoint.blamedUntil = now + BLAME_MS
      endpoint.latency.observe(now - begun, endpoint.fails, now)
      if (begun < warmUpSeconds * 1000) return
      latencies.push(now - begun)
      const index = endpoints.indexOf(endpoint)
      counts[index] = (counts[index] as number) + 1
    })
    const gap = (-Math.log(1 - random.float()) * 1000) / perSecond
    if (now + gap < seconds * 1000) agenda.add(now + gap, arrive)
  }

  agenda.add(0, arrive)
  for (let event = agenda.next(); event !== undefined; event = agenda.next()) {
    now = event.at
    event.what()
  }
  return {
    latencies: latencies.sort((a, b) => a - b),
    shares: counts.map((count) => count / latencies.length),
    peak,
  }
}

/** The value below which this share of the sorted values is. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number
}

/** Lognormal, as latencies of real services are: most are short, a few are long. */
function serviceMs(mean: number, random: Random): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float())
  return mean * Math.exp(SIGMA * normal - (SIGMA * SIGMA) / 2)
}
