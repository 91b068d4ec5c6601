import type { Clock } from '../../../lib/clock.ts'
import type { Random } from '../../../lib/random.ts'
import type { Balancer, Candidate } from './contract.ts'
import { WeightedDraw } from './draw.ts'

/** Time in which an observation loses all but a third of its weight, milliseconds; Finagle's default. */
const DECAY_MS = 10_000

/** What one that was never heard of costs while it has requests in flight, milliseconds: wait for its first answer. */
const UNKNOWN_MS = 1_000_000

/**
 * A moving average of latency that jumps to every peak and comes down slowly, also while nothing is observed, so that a
 * slow candidate is tried again after a while. Source: Twitter's Finagle, `PeakEwma.scala` (2015); also Linkerd's.
 */
export class PeakEwma {
  private cost = 0
  private at = 0

  /** A try took `ms` until the head of its answer. One that failed can only raise the average. */
  observe(ms: number, failed: boolean, now: number): void {
    const kept = this.kept(now)
    const known = this.cost * kept
    if (ms > known) this.cost = ms
    else this.cost = failed ? known : known + ms * (1 - kept)
    this.at = now
  }

  /** Milliseconds; 0: nothing is known. */
  value(now: number): number {
    return this.cost === 0 ? 0 : this.cost * this.kept(now)
  }

  /** Share that is left of what was observed last. */
  private kept(now: number): number {
    return Math.exp((this.at - now) / DECAY_MS)
  }
}

/**
 * The cheaper of two candidates drawn at random, each as likely as its weight. What one costs is its latency times the
 * requests that it would have in flight, by weight. One whose try has just failed costs most.
 */
export class LowestLatency<C extends Candidate> implements Balancer<C> {
  private readonly chances: WeightedDraw<C>
  private readonly clock: Pick<Clock, 'now'>

  constructor(random: Random, clock: Pick<Clock, 'now'>) {
    this.chances = new WeightedDraw(random)
    this.clock = clock
  }

  update(candidates: readonly C[]): void {
    this.chances.update(candidates)
  }

  pick(excluded: readonly C[]): C | undefined {
    const first = this.chances.draw(excluded, undefined)
    if (first === undefined) return undefined
    const second = this.chances.draw(excluded, first)
    if (second === undefined) return first
    const now = this.clock.now()
    const blamed = first.blamedUntil > now
    if (blamed !== second.blamedUntil > now) return blamed ? second : first
    return costOf(second, now) < costOf(first, now) ? second : first
  }
}

function costOf(candidate: Candidate, now: number): number {
  const latency = candidate.latency?.value(now) ?? 0
  const { load } = candidate
  if (latency === 0 && load > 0) return UNKNOWN_MS + load
  return (latency * (load + 1)) / candidate.weight
}
