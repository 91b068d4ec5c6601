import { type Algorithm, type Balancer, type BalancerCandidate, eligible } from '../../core/balancer.ts'

/**
 * Smooth weighted round robin: at each turn the current weight of every candidate grows by its weight, the greatest is
 * chosen and pays the sum of all. Weights 5, 1, 1 give a a b a c a a, never a burst. Source: nginx, "Upstream: smooth
 * weighted round-robin balancing" (commit 52327e0627f4, 2012), ngx_http_upstream_round_robin.c.
 */
export class RoundRobin<C extends BalancerCandidate> implements Balancer<C> {
  private candidates: readonly C[] = []
  /** Current weights, by place. */
  private current: number[] = []

  update(candidates: readonly C[]): void {
    const former = new Map(this.candidates.map((candidate, i) => [candidate, this.current[i] as number]))
    this.current = candidates.map((candidate) => former.get(candidate) ?? 0)
    this.candidates = candidates
  }

  pick(excluded: readonly C[]): C | undefined {
    const { candidates, current } = this
    let total = 0
    let best = -1
    for (let i = 0; i < candidates.length; i++) {
      const candidate = candidates[i] as C
      if (!eligible(candidate, excluded)) continue
      total += candidate.weight
      current[i] = (current[i] as number) + candidate.weight
      if (best === -1 || (current[i] as number) > (current[best] as number)) best = i
    }
    if (best === -1) return undefined
    current[best] = (current[best] as number) - total
    return candidates[best]
  }
}

export const roundRobin: Algorithm = {
  name: 'round-robin',
  doc: 'in turn, by weight',
  blind: true,
  create: () => new RoundRobin(),
}
