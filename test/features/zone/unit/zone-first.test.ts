import { beforeEach, expect, test } from 'vitest'
import { balancing, spread } from '../../../kit/balancing.ts'
import { candidates, type TestCandidate as Node } from '../../../kit/candidate.ts'
import { ManualClock } from '../../../kit/clock.ts'

let clock: ManualClock

beforeEach(() => {
  clock = new ManualClock()
})

const options = { zone: { prefer: 'here', spillOver: 1.5 } }

function zoned(): [Node, Node, Node, Node] {
  const members = candidates(1, 1, 1, 1)
  for (const [i, node] of members.entries()) node.zone = i < 2 ? 'here' : 'there'
  return members as [Node, Node, Node, Node]
}

test('the preferred one first', () => {
  expect(Object.keys(spread(balancing(clock, 'round-robin', zoned(), options), 100)).sort()).toEqual(['a', 'b'])
})

test('all, when none of it is usable', () => {
  const members = zoned()
  members[0].usable = false
  members[1].usable = false
  expect(Object.keys(spread(balancing(clock, 'round-robin', members, options), 100)).sort()).toEqual(['c', 'd'])
})

test('all, while it carries more than its part above the others', () => {
  const members = zoned()
  const balancer = balancing(clock, 'round-robin', members, options)
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
  const balancer = balancing(clock, 'round-robin', [a, b, c, d], options)
  expect([c, d]).toContain(balancer.pick([a, b]))
})
