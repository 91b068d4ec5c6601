import type { Algorithm, BalancerCandidate } from '../../core/balancer.ts'
import { PeakEwma } from './peak-ewma.ts'
import { TwoChoices } from './two-choices.ts'

/**
 * Cost of a candidate without any answer so far while it has requests in flight, milliseconds: its first answer is waited
 * for.
 */
const UNKNOWN_MS = 1_000_000

/** Prefers the lower cost: latency times the requests that it would have in flight, by weight. */
export class LowestLatency<C extends BalancerCandidate> extends TwoChoices<C> {
  protected override isBetter(second: C, first: C): boolean {
    const now = this.clock.now()
    return costOf(second, now) < costOf(first, now)
  }
}

function costOf(candidate: BalancerCandidate, now: number): number {
  const latency = candidate.latency?.value(now) ?? 0
  const { load } = candidate
  if (latency === 0 && load > 0) return UNKNOWN_MS + load
  return (latency * (load + 1)) / candidate.weight
}

export const peakEwma: Algorithm = {
  name: 'peak-ewma',
  doc: 'of two drawn at random, the one with the lower latency times load',
  latency: () => new PeakEwma(),
  create: ({ clock, random }) => new LowestLatency(random, clock),
}
