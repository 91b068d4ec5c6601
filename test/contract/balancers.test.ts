import { describe, expect, test } from 'vitest'
import type { Balancer, Candidate } from '../../src/data/upstreams/balancers/contract.ts'
import { createBalancer } from '../../src/data/upstreams/balancers/index.ts'
import { seededRandom } from '../../src/lib/random.ts'

class Node implements Candidate {
  readonly name: string
  weight: number
  usable = true
  load = 0

  constructor(name: string, weight = 1) {
    this.name = name
    this.weight = weight
  }
}

function nodes(...weights: number[]): Node[] {
  return weights.map((weight, i) => new Node('abcdefghij'[i] as string, weight))
}

/** How often each was chosen in `picks`. */
function spread(balancer: Balancer<Node>, picks: number, excluded: readonly Node[] = []): Record<string, number> {
  const counts: Record<string, number> = {}
  for (let i = 0; i < picks; i++) {
    const node = balancer.pick(excluded)
    const name = node?.name ?? '-'
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

function expectShares(counts: Record<string, number>, shares: Record<string, number>): void {
  const picks = Object.values(counts).reduce((sum, count) => sum + count, 0)
  expect(Object.keys(counts).sort()).toEqual(Object.keys(shares).sort())
  for (const [name, share] of Object.entries(shares)) {
    expect((counts[name] as number) / picks, name).toBeGreaterThan(share * 0.9)
    expect((counts[name] as number) / picks, name).toBeLessThan(share * 1.1)
  }
}

for (const algorithm of ['round-robin', 'least-request'] as const) {
  describe(`balancer ${algorithm}`, () => {
    const make = (members: readonly Node[]): Balancer<Node> => {
      const balancer = createBalancer<Node>(algorithm, seededRandom(42))
      balancer.update(members)
      return balancer
    }

    test('nobody to choose', () => {
      expect(make([]).pick([])).toBeUndefined()
      expect(createBalancer<Node>(algorithm, seededRandom(1)).pick([])).toBeUndefined()
    })

    test('a single one is always it', () => {
      const [a] = nodes(3) as [Node]
      expect(spread(make([a]), 10)).toEqual({ a: 10 })
      expect(make([a]).pick([a])).toBeUndefined()
    })

    test('equal weights share equally', () => {
      expectShares(spread(make(nodes(1, 1, 1, 1)), 20_000), { a: 0.25, b: 0.25, c: 0.25, d: 0.25 })
    })

    test('idle candidates share by weight', () => {
      expectShares(spread(make(nodes(5, 3, 1, 1)), 20_000), { a: 0.5, b: 0.3, c: 0.1, d: 0.1 })
    })

    test('excluded and unusable ones are not chosen, the others share what is left', () => {
      const members = nodes(1, 2, 1, 4)
      const [a, b, , d] = members as [Node, Node, Node, Node]
      d.usable = false
      const balancer = make(members)
      expectShares(spread(balancer, 20_000, [a]), { b: 2 / 3, c: 1 / 3 })
      expectShares(spread(balancer, 20_000, [a, b]), { c: 1 })
    })

    test('all excluded or unusable: nobody', () => {
      const members = nodes(1, 1, 1)
      const balancer = make(members)
      expect(balancer.pick(members)).toBeUndefined()
      for (const node of members) node.usable = false
      expect(balancer.pick([])).toBeUndefined()
    })

    test('one usable among a hundred is found', () => {
      const members = Array.from({ length: 100 }, (_, i) => new Node(`n${i}`))
      for (const node of members) node.usable = node.name === 'n57'
      expect(spread(make(members), 50)).toEqual({ n57: 50 })
    })

    test('members and weights may change', () => {
      const [a, b, c] = nodes(1, 1, 1) as [Node, Node, Node]
      const balancer = make([a, b])
      spread(balancer, 7)
      balancer.update([b, c])
      expectShares(spread(balancer, 20_000), { b: 0.5, c: 0.5 })
      c.weight = 3
      balancer.update([b, c])
      expectShares(spread(balancer, 20_000), { b: 0.25, c: 0.75 })
    })
  })
}

test('round-robin is smooth: 5, 1, 1 never come in a burst', () => {
  const balancer = createBalancer<Node>('round-robin', seededRandom(1))
  balancer.update(nodes(5, 1, 1))
  const names = Array.from({ length: 14 }, () => balancer.pick([])?.name).join('')
  expect(names).toBe('aabacaaaabacaa')
})

test('least-request: of two, always the less loaded one, by weight', () => {
  const balancer = createBalancer<Node>('least-request', seededRandom(1))
  const [a, b] = nodes(1, 1) as [Node, Node]
  balancer.update([a, b])
  a.load = 1
  expect(spread(balancer, 100)).toEqual({ b: 100 })
  a.weight = 4
  a.load = 3
  b.load = 1
  balancer.update([a, b])
  expect(spread(balancer, 100)).toEqual({ a: 100 })
})

test('least-request keeps load in proportion to weight while requests last', () => {
  const balancer = createBalancer<Node>('least-request', seededRandom(3))
  const members = nodes(1, 2, 4)
  balancer.update(members)
  for (let i = 0; i < 7000; i++) (balancer.pick([]) as Node).load++
  for (const node of members) expect(Math.abs(node.load - node.weight * 1000)).toBeLessThan(100)
})

test('least-request leaves the one that is stuck alone', () => {
  const balancer = createBalancer<Node>('least-request', seededRandom(4))
  const members = nodes(1, 1, 1, 1, 1)
  balancer.update(members)
  ;(members[0] as Node).load = 1000
  const counts = spread(balancer, 10_000)
  expect(counts.a).toBeUndefined()
  expectShares(counts, { b: 0.25, c: 0.25, d: 0.25, e: 0.25 })
})
