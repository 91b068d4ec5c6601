import type { Algorithm } from '../../core/balancer.ts'
import { murmur3 } from '../../lib/hash.ts'
import { Consistent, type Ownership } from './consistent.ts'

/** Size of the table; a prime, so that every step visits every place. */
const SIZE = 65_537

const FREE = 0xffff

/**
 * A table that the members fill in turns, each along its own permutation of the places, the heavier ones more often: an
 * almost even spread, and few keys move when a member leaves. Source: D. Eisenbud et al., "Maglev: A Fast and Reliable
 * Software Network Load Balancer" (NSDI 2016), section 3.4; weights as in Envoy's `maglev_lb.cc`.
 */
export class Maglev implements Ownership {
  readonly size: number = SIZE
  private readonly table = new Uint16Array(SIZE)

  build(members: readonly { readonly id: string; readonly weight: number }[]): void {
    const { table } = this
    table.fill(FREE)
    if (members.length === 0) return
    const next = Uint32Array.from(members, ({ id }) => murmur3(id, 1) % SIZE)
    const skip = Uint32Array.from(members, ({ id }) => (murmur3(id, 2) % (SIZE - 1)) + 1)
    const heaviest = Math.max(...members.map(({ weight }) => weight))
    const due = new Float64Array(members.length)
    for (let filled = 0; ; ) {
      for (const [member, { weight }] of members.entries()) {
        due[member] = (due[member] as number) + weight
        if ((due[member] as number) < heaviest) continue
        due[member] = (due[member] as number) - heaviest
        let place = next[member] as number
        while (table[place] !== FREE) place = (place + (skip[member] as number)) % SIZE
        table[place] = member
        next[member] = (place + (skip[member] as number)) % SIZE
        if (++filled === SIZE) return
      }
    }
  }

  place(key: number): number {
    return key % SIZE
  }

  owner(place: number): number {
    return this.table[place] as number
  }
}

export const maglev: Algorithm = {
  name: 'maglev',
  doc: 'the same endpoint for the same key, by a table, more evenly',
  keyed: true,
  create: ({ random }, balanceFactor) => new Consistent(new Maglev(), balanceFactor, random),
}
