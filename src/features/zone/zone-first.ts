import type { Balancer, BalancerCandidate } from '../../core/balancer.ts'

/** Which zone is preferred, and when the others help. */
export interface ZoneOptions {
  readonly prefer: string
  /** How many times the mean load of the other zones its own may have. */
  readonly spillOver: number
}

/**
 * In front of any algorithm: candidates of the preferred zone, as long as one of them is usable and their mean load is at
 * most `spillOver` times that of the others (each including the request to come); else all.
 */
export class ZoneFirst<C extends BalancerCandidate> implements Balancer<C> {
  private readonly options: ZoneOptions
  private readonly near: Balancer<C>
  private readonly all: Balancer<C>
  private candidates: readonly C[] = []

  constructor(options: ZoneOptions, create: () => Balancer<C>) {
    this.options = options
    this.near = create()
    this.all = create()
  }

  update(candidates: readonly C[]): void {
    this.candidates = candidates
    this.near.update(candidates.filter(({ zone }) => zone === this.options.prefer))
    this.all.update(candidates)
  }

  pick(excluded: readonly C[], key?: number): C | undefined {
    const near = this.spills() ? undefined : this.near.pick(excluded, key)
    return near ?? this.all.pick(excluded, key)
  }

  private spills(): boolean {
    let nearLoad = 0
    let nearWeight = 0
    let farLoad = 0
    let farWeight = 0
    for (const candidate of this.candidates) {
      if (!candidate.usable) continue
      if (candidate.zone === this.options.prefer) {
        nearLoad += candidate.load
        nearWeight += candidate.weight
      } else {
        farLoad += candidate.load
        farWeight += candidate.weight
      }
    }
    if (nearWeight === 0) return true
    return farWeight > 0 && nearLoad / nearWeight > this.options.spillOver * (farLoad / farWeight + 1)
  }
}
