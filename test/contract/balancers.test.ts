import { describe, expect, test } from 'vitest'
import type { Balancer } from '../../src/core/balancer.ts'
import { algorithmsOf } from '../../src/core/feature.ts'
import { FEATURES } from '../../src/features/index.ts'
import { mix32 } from '../../src/lib/hash.ts'
import { seededRandom } from '../../src/lib/random.ts'
import { type BalancerSetUp, tierBalancer } from '../kit/balancing.ts'
import { candidates, TestCandidate as Node } from '../kit/candidate.ts'
import { ManualClock } from '../kit/clock.ts'

const ALGORITHMS = [...algorithmsOf(FEATURES).values()]

/** Everything that can stand in front of an algorithm; each must keep the contract. */
const WRAPPINGS: Readonly<Record<string, BalancerSetUp>> = {
  plain: {},
  'with slow start': { slowStart: 30_000 },
  'with a zone': { zone: { prefer: 'here', spillOver: 1.5 } },
  'with a subset that is larger': { subset: 200 },
  'with bounded loads': { balanceFactor: 1.25 },
  'with all of it': { slowStart: 30_000, zone: { prefer: 'here', spillOver: 1.5 }, subset: 200 },
}

/** How often each was chosen in `picks`, of requests with and without keys. */
function spread(balancer: Balancer<Node>, picks: number, excluded: readonly Node[] = [], keyed = false) {
  const counts: Record<string, number> = {}
  for (let i = 0; i < picks; i++) {
    const node = balancer.pick(excluded, keyed ? mix32(i) : undefined)
    const name = node?.id ?? '-'
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

function expectShares(counts: Record<string, number>, shares: Record<string, number>, tolerance = 0.1): void {
  const picks = Object.values(counts).reduce((sum, count) => sum + count, 0)
  expect(Object.keys(counts).sort()).toEqual(Object.keys(shares).sort())
  for (const [name, share] of Object.entries(shares)) {
    expect((counts[name] as number) / picks, name).toBeGreaterThan(share * (1 - tolerance))
    expect((counts[name] as number) / picks, name).toBeLessThan(share * (1 + tolerance))
  }
}

const CASES = ALGORITHMS.flatMap(({ keyed, name: algorithm }) =>
  Object.entries(WRAPPINGS)
    // The config refuses a subset for those that hash: a table for each shard would be too much.
    .filter(([, { subset }]) => subset === undefined || keyed !== true)
    .map(([name, options]) => ({ algorithm, name, options })),
)

for (const { algorithm, name, options } of CASES) {
  describe(`balancer ${algorithm}, ${name}`, () => {
    const create = (): Balancer<Node> =>
      tierBalancer<Node>(algorithm, options, { random: seededRandom(42), clock: new ManualClock() })
    const make = (members: readonly Node[]): Balancer<Node> => {
      const balancer = create()
      balancer.update(members)
      return balancer
    }

    test('nobody to choose', () => {
      expect(make([]).pick([])).toBeUndefined()
      expect(make([]).pick([], 7)).toBeUndefined()
      expect(create().pick([], 7)).toBeUndefined()
    })

    test('a single one is always it', () => {
      const [a] = candidates(3) as [Node]
      expect(spread(make([a]), 10)).toEqual({ a: 10 })
      expect(spread(make([a]), 10, [], true)).toEqual({ a: 10 })
      expect(make([a]).pick([a])).toBeUndefined()
      expect(make([a]).pick([a], 7)).toBeUndefined()
    })

    test('equal weights share equally', () => {
      expectShares(spread(make(candidates(1, 1, 1, 1)), 20_000), { a: 0.25, b: 0.25, c: 0.25, d: 0.25 })
    })

    test('idle candidates share by weight', () => {
      expectShares(spread(make(candidates(5, 3, 1, 1)), 20_000), { a: 0.5, b: 0.3, c: 0.1, d: 0.1 })
    })

    test('keys share by weight as well', () => {
      // A ring of 160 points for the lightest one is as even as that: about 8 % from its share.
      const counts = spread(make(candidates(5, 3, 1, 1)), 20_000, [], true)
      expectShares(counts, { a: 0.5, b: 0.3, c: 0.1, d: 0.1 }, 0.25)
    })

    test('excluded and unusable ones are not chosen, the others share what is left', () => {
      const members = candidates(1, 2, 1, 4)
      const [a, b, c, d] = members as [Node, Node, Node, Node]
      d.usable = false
      const balancer = make(members)
      expectShares(spread(balancer, 20_000, [a]), { b: 2 / 3, c: 1 / 3 })
      expectShares(spread(balancer, 20_000, [a, b]), { c: 1 })
      expect(Object.keys(spread(balancer, 2000, [a], true)).sort()).toEqual(['b', 'c'])
      expect(spread(balancer, 50, [a, c], true)).toEqual({ b: 50 })
    })

    test('all excluded or unusable: nobody', () => {
      const members = candidates(1, 1, 1)
      const balancer = make(members)
      expect(balancer.pick(members)).toBeUndefined()
      expect(balancer.pick(members, 7)).toBeUndefined()
      for (const node of members) node.usable = false
      expect(balancer.pick([])).toBeUndefined()
      expect(balancer.pick([], 7)).toBeUndefined()
    })

    test('one usable among a hundred is found', () => {
      const members = Array.from({ length: 100 }, (_, i) => new Node(`n${i}`))
      for (const node of members) node.usable = node.id === 'n57'
      expect(spread(make(members), 50)).toEqual({ n57: 50 })
      expect(spread(make(members), 50, [], true)).toEqual({ n57: 50 })
    })

    test('members and weights may change', () => {
      const [a, b, c] = candidates(1, 1, 1) as [Node, Node, Node]
      const balancer = make([a, b])
      spread(balancer, 7)
      balancer.update([b, c])
      expectShares(spread(balancer, 20_000), { b: 0.5, c: 0.5 })
      c.weight = 3
      balancer.update([b, c])
      expectShares(spread(balancer, 20_000), { b: 0.25, c: 0.75 })
      expectShares(spread(balancer, 20_000, [], true), { b: 0.25, c: 0.75 }, 0.25)
    })
  })
}
