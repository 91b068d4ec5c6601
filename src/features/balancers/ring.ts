import type { Algorithm } from '../../core/balancer.ts'
import { mix32, murmur3 } from '../../lib/hash.ts'
import { Consistent, type Ownership } from './consistent.ts'

/** Points of the lightest member; ketama's number. */
const POINTS = 160

/** Points of all members together, at most. */
const MAX_POINTS = 65_536

/**
 * Points on a ring, in proportion to the weight of each member; a key belongs to the next point. Source: R. Jones,
 * "libketama: Consistent Hashing library for memcached clients" (2007), with MurmurHash3 in place of MD5; D. Karger et al.,
 * "Consistent Hashing and Random Trees" (STOC 1997).
 */
export class Ring implements Ownership {
  private points = new Uint32Array(0)
  private owners = new Uint32Array(0)

  get size(): number {
    return this.points.length
  }

  build(members: readonly { readonly id: string; readonly weight: number }[]): void {
    const unit = members.reduce((divisor, { weight }) => gcd(divisor, weight), 0)
    const units = members.reduce((sum, { weight }) => sum + weight / unit, 0)
    const perUnit = Math.min(POINTS, MAX_POINTS / units)
    const points: { readonly at: number; readonly owner: number }[] = []
    for (const [owner, { id, weight }] of members.entries()) {
      const seed = murmur3(id)
      const count = Math.max(1, Math.floor((weight / unit) * perUnit))
      // Steps of the golden ratio: points of one member never coincide.
      for (let i = 0; i < count; i++) points.push({ at: mix32(seed + Math.imul(i, 0x9e3779b9)), owner })
    }
    points.sort((a, b) => a.at - b.at || a.owner - b.owner)
    this.points = Uint32Array.from(points, ({ at }) => at)
    this.owners = Uint32Array.from(points, ({ owner }) => owner)
  }

  place(key: number): number {
    const { points } = this
    let low = 0
    let high = points.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((points[middle] as number) < key) low = middle + 1
      else high = middle
    }
    return low === points.length ? 0 : low
  }

  owner(place: number): number {
    return this.owners[place] as number
  }
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b)
}

export const ringHash: Algorithm = {
  name: 'ring-hash',
  doc: 'the same endpoint for the same key, by points on a ring',
  keyed: true,
  create: ({ random }, balanceFactor) => new Consistent(new Ring(), balanceFactor, random),
}
