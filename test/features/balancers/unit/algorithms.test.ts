import { beforeEach, describe, expect, test } from 'vitest'
import { BLAME_MS } from '../../../../src/core/balancer.ts'
import { PeakEwma } from '../../../../src/features/balancers/peak-ewma.ts'
import { balancing, spread } from '../../../kit/balancing.ts'
import { candidates, type TestCandidate as Node } from '../../../kit/candidate.ts'
import { ManualClock } from '../../../kit/clock.ts'

let clock: ManualClock

beforeEach(() => {
  clock = new ManualClock()
})

test('round-robin is smooth: 5, 1, 1 never come in a burst', () => {
  const balancer = balancing(clock, 'round-robin', candidates(5, 1, 1))
  const names = Array.from({ length: 14 }, () => balancer.pick([])?.id).join('')
  expect(names).toBe('aabacaaaabacaa')
})

describe('least-request', () => {
  test('of two, always the less loaded one, by weight', () => {
    const [a, b] = candidates(1, 1) as [Node, Node]
    const balancer = balancing(clock, 'least-request', [a, b])
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
    const balancer = balancing(clock, 'least-request', members)
    for (let i = 0; i < 7000; i++) (balancer.pick([]) as Node).load++
    for (const node of members) expect(Math.abs(node.load - node.weight * 1000)).toBeLessThan(100)
  })

  test('leaves the one that is stuck alone', () => {
    const members = candidates(1, 1, 1, 1, 1)
    const balancer = balancing(clock, 'least-request', members)
    ;(members[0] as Node).load = 1000
    const counts = spread(balancer, 10_000)
    expect(counts.a).toBeUndefined()
    for (const id of ['b', 'c', 'd', 'e']) expect(Math.abs((counts[id] as number) - 2500)).toBeLessThan(250)
  })
})

describe.each(['least-request', 'peak-ewma'] as const)('%s and failures', (algorithm) => {
  test('one whose attempt failed loses against any other, for a second', () => {
    const [a, b] = candidates(1, 1) as [Node, Node]
    const balancer = balancing(clock, algorithm, [a, b])
    a.blamedUntil = clock.now() + BLAME_MS
    b.load = 50
    expect(spread(balancer, 100)).toEqual({ b: 100 })
    clock.advance(BLAME_MS)
    expect(spread(balancer, 100)).toEqual({ a: 100 })
  })

  test('when all failed, load decides again', () => {
    const [a, b] = candidates(1, 1) as [Node, Node]
    const balancer = balancing(clock, algorithm, [a, b])
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
    const balancer = balancing(clock, 'peak-ewma', [a, b])
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
    const balancer = balancing(clock, 'peak-ewma', [a, b])
    b.latency.observe(10, false, clock.now())
    b.load = 30
    expect(spread(balancer, 100)).toEqual({ a: 100 })
    a.load = 1
    expect(spread(balancer, 100)).toEqual({ b: 100 })
  })
})
