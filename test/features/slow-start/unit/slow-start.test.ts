import { beforeEach, expect, test } from 'vitest'
import { balancing, spread } from '../../../kit/balancing.ts'
import { candidates, type TestCandidate as Node } from '../../../kit/candidate.ts'
import { ManualClock } from '../../../kit/clock.ts'

let clock: ManualClock

beforeEach(() => {
  clock = new ManualClock()
})

test.each(['round-robin', 'least-request', 'random', 'peak-ewma'] as const)(
  '%s: a tenth first, then ever more',
  (algorithm) => {
    const [a, b] = candidates(1, 1) as [Node, Node]
    const balancer = balancing(clock, algorithm, [a, b], { slowStart: 10_000 })
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

test('no other can be chosen: the warming one is', () => {
  const [a, b] = candidates(1, 1) as [Node, Node]
  const balancer = balancing(clock, 'least-request', [a, b], { slowStart: 10_000 })
  a.since = clock.now()
  b.usable = false
  expect(spread(balancer, 100)).toEqual({ a: 100 })
})

test('all are warming: they share as ever', () => {
  const members = candidates(1, 1, 1)
  const balancer = balancing(clock, 'random', members, { slowStart: 10_000 })
  for (const node of members) node.since = clock.now()
  const counts = spread(balancer, 9000)
  for (const id of ['a', 'b', 'c']) expect(Math.abs((counts[id] as number) - 3000)).toBeLessThan(300)
})

test('keys of a warming one go to the next on the ring, then come back', () => {
  const members = candidates(1, 1, 1)
  const balancer = balancing(clock, 'ring-hash', members, { slowStart: 10_000 })
  const owner = balancer.pick([], 12_345) as Node
  owner.since = clock.now()
  const counts = spread(balancer, 1000, 12_345)
  expect(counts[owner.id]).toBeLessThan(150)
  expect(Object.keys(counts)).toHaveLength(2)
  clock.advance(10_000)
  expect(spread(balancer, 100, 12_345)).toEqual({ [owner.id]: 100 })
})
