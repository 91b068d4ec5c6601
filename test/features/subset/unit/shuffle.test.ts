import { beforeEach, expect, test } from 'vitest'
import { balancing, spread } from '../../../kit/balancing.ts'
import { candidates, TestCandidate as Node } from '../../../kit/candidate.ts'
import { ManualClock } from '../../../kit/clock.ts'

let clock: ManualClock

beforeEach(() => {
  clock = new ManualClock()
})

test('each key sees its own fixed set', () => {
  const members = candidates(...new Array(8).fill(1))
  const balancer = balancing(clock, 'random', members, { subset: 2 })
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
  const balancer = balancing(clock, 'random', members, { subset: 3 })
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
  const balancer = balancing(clock, 'round-robin', members, { subset: 3 })
  const poisoned = Object.keys(spread(balancer, 30, 99))
  for (const node of members) node.usable = !poisoned.includes(node.id)
  const dead = Array.from({ length: 1000 }, (_, key) => balancer.pick([], key)).filter((node) => node === undefined)
  // Whoever shares all three: one of 120.
  expect(dead.length).toBeLessThan(25)
})
