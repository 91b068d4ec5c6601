import { beforeEach, describe, expect, test } from 'vitest'
import { type Balancer, BLAME_MS } from '../../../../../src/core/balancer.ts'
import type { Algorithm } from '../../../../../src/core/config.ts'
import { PeakEwma } from '../../../../../src/data/upstreams/balancers/peak-ewma.ts'
import { seededRandom } from '../../../../../src/lib/random.ts'
import { type BalancerSetUp, tierBalancer } from '../../../../kit/balancing.ts'
import { candidates, TestCandidate as Node } from '../../../../kit/candidate.ts'
import { ManualClock } from '../../../../kit/clock.ts'

let clock: ManualClock

beforeEach(() => {
  clock = new ManualClock()
})

function make(algorithm: Algorithm, members: readonly Node[], options: BalancerSetUp = {}): Balancer<Node> {
  const balancer = tierBalancer<Node>(algorithm, options, { random: seededRandom(1), clock })
  balancer.update(members)
  return balancer
}

function spread(balancer: Balancer<Node>, picks: number, key?: number): Record<string, number> {
  const counts: Record<string, number> = {}
  for (let i = 0; i < picks; i++) {
    const id = balancer.pick([], key)?.id ?? '-'
    counts[id] = (counts[id] ?? 0) + 1
  }
  return counts
}

test('round-robin is smooth: 5, 1, 1 never come in a burst', () => {
  const balancer = make('round-robin', candidates(5, 1, 1))
  const names = Array.from({ length: 14 }, () => balancer.pick([])?.id).join('')
  expect(names).toBe('aabacaaaabacaa')
})

describe('least-request', () => {
  test('of two, always the less loaded one, by weight', () => {
    const [a, b] = candidates(1, 1) as [Node, Node]
    const balancer = make('least-request', [a, b])
    a.load = 1
    expect(spread(balancer, 100)).toEqual({ b: 100 })
    a.weight = 4
    a.load = 3
    b.load = 1
    balancer.update([a, b])
    expect(spread(balancer, 100)).toEqual({ a: 100 })
  })

  test('keeps load in proportion to weight while requests last', () => {
    const members = candidates(1, 2, 4)
    const balancer = make('least-request', members)
    for (let i = 0; i < 7000; i++) (balancer.pick([]) as Node).load++
    for (const node of members) expect(Math.abs(node.load - node.weight * 1000)).toBeLessThan(100)
  })

  test('leaves the one that is stuck alone', () => {
    const members = candidates(1, 1, 1, 1, 1)
    const balancer = make('least-request', members)
    ;(members[0] as Node).load = 1000
    const counts = spread(balancer, 10_000)
    expect(counts.a).toBeUndefined()
    for (const id of ['b', 'c', 'd', 'e']) expect(Math.abs((counts[id] as number) - 2500)).toBeLessThan(250)
  })
})

describe.each(['least-request', 'peak-ewma'] as const)('%s and failures', (algorithm) => {
  test('one whose attempt failed loses against any other, for a second', () => {
    const [a, b] = candidates(1, 1) as [Node, Node]
    const balancer = make(algorithm, [a, b])
    a.blamedUntil = clock.now() + BLAME_MS
    b.load = 50
    expect(spread(balancer, 100)).toEqual({ b: 100 })
    clock.advance(BLAME_MS)
    expect(spread(balancer, 100)).toEqual({ a: 100 })
  })

  test('when all failed, load decides again', () => {
    const [a, b] = candidates(1, 1) as [Node, Node]
    const balancer = make(algorithm, [a, b])
    a.blamedUntil = clock.now() + BLAME_MS
    b.blamedUntil = clock.now() + BLAME_MS / 2
    b.load = 5
    expect(spread(balancer, 100)).toEqual({ a: 100 })
  })
})

describe('peak-ewma', () => {
  test('jumps to a peak, comes down slowly, and fades while nothing is heard', () => {
    const ewma = new PeakEwma()
    expect(ewma.value(0)).toBe(0)
    ewma.observe(10, false, 0)
    expect(ewma.value(0)).toBe(10)
    ewma.observe(500, false, 0)
    expect(ewma.value(0)).toBe(500)
    ewma.observe(10, false, 1000)
    expect(ewma.value(1000)).toBeCloseTo(500 * Math.exp(-0.1) + 10 * (1 - Math.exp(-0.1)), 6)
    expect(ewma.value(61_000)).toBeLessThan(2)
  })

  test('a failure can raise it, not lower it', () => {
    const ewma = new PeakEwma()
    ewma.observe(100, false, 0)
    ewma.observe(1, true, 0)
    expect(ewma.value(0)).toBe(100)
    ewma.observe(5000, true, 0)
    expect(ewma.value(0)).toBe(5000)
  })

  test('the faster one is chosen until its load makes up for it, by weight', () => {
    const [a, b] = candidates(1, 1) as [Node, Node]
    const balancer = make('peak-ewma', [a, b])
    a.latency.observe(10, false, clock.now())
    b.latency.observe(100, false, clock.now())
    for (let i = 0; i < 11; i++) (balancer.pick([]) as Node).load++
    expect([a.load, b.load].toSorted((x, y) => y - x)).toEqual([a.load, b.load])
    expect(b.load).toBeLessThanOrEqual(2)
    b.weight = 100
    balancer.update([a, b])
    expect(spread(balancer, 100)).toEqual({ b: 100 })
  })

  test('one that is not known yet gets one request at a time', () => {
    const [a, b] = candidates(1, 1) as [Node, Node]
    const balancer = make('peak-ewma', [a, b])
    b.latency.observe(10, false, clock.now())
    b.load = 30
    expect(spread(balancer, 100)).toEqual({ a: 100 })
    a.load = 1
    expect(spread(balancer, 100)).toEqual({ b: 100 })
  })
})

describe('slow start', () => {
  test.each(['round-robin', 'least-request', 'random', 'peak-ewma'] as const)(
    '%s: a tenth first, then ever more',
    (algorithm) => {
      const [a, b] = candidates(1, 1) as [Node, Node]
      const balancer = make(algorithm, [a, b], { slowStart: 10_000 })
      const shareOfA = (): number => (spread(balancer, 10_000).a ?? 0) / 10_000
      a.since = clock.now()
      // What is passed over goes to b; a round robin gives back some of it.
      const first = shareOfA()
      expect(first).toBeGreaterThan(0.03)
      expect(first).toBeLessThan(0.12)
      clock.advance(5000)
      const middle = shareOfA()
      expect(middle).toBeGreaterThan(0.2)
      expect(middle).toBeLessThan(0.4)
      clock.advance(5000)
      expect(shareOfA()).toBeGreaterThan(0.45)
    },
  )

  test('nobody else can be chosen: the warming one is', () => {
    const [a, b] = candidates(1, 1) as [Node, Node]
    const balancer = make('least-request', [a, b], { slowStart: 10_000 })
    a.since = clock.now()
    b.usable = false
    expect(spread(balancer, 100)).toEqual({ a: 100 })
  })

  test('all are warming: they share as ever', () => {
    const members = candidates(1, 1, 1)
    const balancer = make('random', members, { slowStart: 10_000 })
    for (const node of members) node.since = clock.now()
    const counts = spread(balancer, 9000)
    for (const id of ['a', 'b', 'c']) expect(Math.abs((counts[id] as number) - 3000)).toBeLessThan(300)
  })

  test('keys of a warming one go to the next on the ring, then come back', () => {
    const members = candidates(1, 1, 1)
    const balancer = make('ring-hash', members, { slowStart: 10_000 })
    const owner = balancer.pick([], 12_345) as Node
    owner.since = clock.now()
    const counts = spread(balancer, 1000, 12_345)
    expect(counts[owner.id]).toBeLessThan(150)
    expect(Object.keys(counts)).toHaveLength(2)
    clock.advance(10_000)
    expect(spread(balancer, 100, 12_345)).toEqual({ [owner.id]: 100 })
  })
})

describe('zones', () => {
  const options = { zone: { prefer: 'here', spillOver: 1.5 } }

  function zoned(): [Node, Node, Node, Node] {
    const members = candidates(1, 1, 1, 1)
    for (const [i, node] of members.entries()) node.zone = i < 2 ? 'here' : 'there'
    return members as [Node, Node, Node, Node]
  }

  test('the preferred one first', () => {
    expect(Object.keys(spread(make('round-robin', zoned(), options), 100)).sort()).toEqual(['a', 'b'])
  })

  test('all, when none of it is usable', () => {
    const members = zoned()
    members[0].usable = false
    members[1].usable = false
    expect(Object.keys(spread(make('round-robin', members, options), 100)).sort()).toEqual(['c', 'd'])
  })

  test('all, while it carries more than its part above the others', () => {
    const members = zoned()
    const balancer = make('round-robin', members, options)
    members[0].load = 3
    expect(Object.keys(spread(balancer, 100)).sort()).toEqual(['a', 'b'])
    members[1].load = 1
    expect(Object.keys(spread(balancer, 100)).sort()).toEqual(['a', 'b', 'c', 'd'])
    members[2].load = 2
    members[3].load = 2
    expect(Object.keys(spread(balancer, 100)).sort()).toEqual(['a', 'b'])
  })

  test('an attempt that failed there goes on to the others when none of it is left', () => {
    const [a, b, c, d] = zoned()
    const balancer = make('round-robin', [a, b, c, d], options)
    expect([c, d]).toContain(balancer.pick([a, b]))
  })
})

describe('shuffle sharding', () => {
  test('each key sees its own fixed set', () => {
    const members = candidates(...new Array(8).fill(1))
    const balancer = make('random', members, { subset: 2 })
    const sets = new Set<string>()
    for (let key = 0; key < 500; key++) {
      const seen = Object.keys(spread(balancer, 30, key)).sort()
      expect(seen).toHaveLength(2)
      sets.add(seen.join(''))
    }
    // Eight over two: 28 sets.
    expect(sets.size).toBe(28)
  })

  test('few sets change when an endpoint leaves: only those that it was in, by one member', () => {
    const members = Array.from({ length: 20 }, (_, i) => new Node(`n${i}`))
    const balancer = make('random', members, { subset: 3 })
    const setsOf = (): Set<string>[] =>
      Array.from({ length: 200 }, (_, key) => new Set(Object.keys(spread(balancer, 60, key))))
    const before = setsOf()
    balancer.update(members.slice(1))
    for (const [key, set] of setsOf().entries()) {
      const kept = [...(before[key] as Set<string>)].filter((id) => id !== 'n0')
      for (const id of kept) expect(set).toContain(id)
    }
  })

  test('a client that breaks all it touches leaves the others something', () => {
    const members = Array.from({ length: 10 }, (_, i) => new Node(`n${i}`))
    const balancer = make('round-robin', members, { subset: 3 })
    const poisoned = Object.keys(spread(balancer, 30, 99))
    for (const node of members) node.usable = !poisoned.includes(node.id)
    const dead = Array.from({ length: 1000 }, (_, key) => balancer.pick([], key)).filter((node) => node === undefined)
    // Whoever shares all three: one of 120.
    expect(dead.length).toBeLessThan(25)
  })
})
