import { type Balancer, type BalancerCandidate, eligible } from '../../core/balancer.ts'
import type { Random } from '../../lib/random.ts'
import { WeightedDraw } from './draw.ts'

/** Which member owns which keys. Places are numbered from 0 to `size` - 1; the owner of a key is the owner of its place. */
export interface Ownership {
  readonly size: number
  /** Deterministic: the same members give the same owners on every worker and after every restart. */
  build(members: readonly Pick<BalancerCandidate, 'id' | 'weight'>[]): void
  place(key: number): number
  /** Index of the member that owns the place. */
  owner(place: number): number
}

/**
 * This many requests in flight are always within the bound. With two requests in flight in all, half the keys would miss
 * their own candidate: at little load, keeping keys together matters more than spreading it.
 */
const ALWAYS = 4

/** Places looked at for each candidate, before all candidates are. */
const STEPS = 4

/**
 * Gives each key one candidate; the keys of a candidate that is out go to the owners of the next places. No candidate takes
 * more than `factor` times its fair share of the requests in flight: the rest goes on to the next place. Source of the
 * bound: V. Mirrokni, M. Thorup, M. Zadimoghaddam, "Consistent Hashing with Bounded Loads" (arXiv:1608.01350, 2016).
 * Requests without a key are drawn at random.
 */
export class Consistent<C extends BalancerCandidate> implements Balancer<C> {
  private readonly chances: WeightedDraw<C>
  private readonly ownership: Ownership
  /** undefined: loads are not bounded. */
  private readonly factor: number | undefined
  private candidates: readonly C[] = []
  private built = ''

  constructor(ownership: Ownership, factor: number | undefined, random: Random) {
    this.chances = new WeightedDraw(random)
    this.ownership = ownership
    this.factor = factor
  }

  update(candidates: readonly C[]): void {
    this.chances.update(candidates)
    // Whatever their order in the config: keys stay where they are.
    this.candidates = candidates.toSorted((a, b) => (a.id < b.id ? -1 : 1))
    const members = JSON.stringify(this.candidates.map(({ id, weight }) => [id, weight]))
    if (members === this.built) return
    this.built = members
    this.ownership.build(this.candidates)
  }

  pick(excluded: readonly C[], key?: number): C | undefined {
    if (key === undefined) return this.chances.draw(excluded, undefined)
    const { candidates, ownership } = this
    if (candidates.length === 0) return undefined
    const start = ownership.place(key)
    let first: C | undefined
    let fairShare = -1
    const fits = (candidate: C): boolean => {
      if (this.factor === undefined || candidate.load < ALWAYS) return true
      if (fairShare === -1) fairShare = this.fairShare()
      return candidate.load + 1 <= Math.ceil(this.factor * fairShare * candidate.weight)
    }
    for (let i = 0; i < STEPS * candidates.length; i++) {
      const candidate = candidates[ownership.owner((start + i) % ownership.size)] as C
      if (!eligible(candidate, excluded)) continue
      if (fits(candidate)) return candidate
      first ??= candidate
    }
    for (let i = 0; i < candidates.length; i++) {
      const candidate = candidates[(start + i) % candidates.length] as C
      if (!eligible(candidate, excluded)) continue
      if (fits(candidate)) return candidate
      first ??= candidate
    }
    return first
  }

  /** Requests in flight per unit of weight, including the one to come. */
  private fairShare(): number {
    let load = 1
    let weight = 0
    for (const candidate of this.candidates) {
      if (!candidate.usable) continue
      load += candidate.load
      weight += candidate.weight
    }
    return load / Math.max(1, weight)
  }
}
