import { describe, expect, test } from 'vitest'
import { AdaptiveLimit, readLimit } from '../../../../src/features/bulkhead/adaptive-limit.ts'
import { type GradientState, nextGradient } from '../../../../src/features/bulkhead/gradient.ts'
import { TestCells } from '../../../kit/cells.ts'
import { LoadedServer } from './loaded-server.ts'

const OPTIONS = { min: 5, max: 1000, initial: 100 }

/** After so many windows in which answers took `took`. */
function after(windows: number, took: number, state: GradientState, inFlight = state.limit): GradientState {
  let now = state
  for (let i = 0; i < windows; i++) now = nextGradient(now, took, Math.max(inFlight, now.limit), OPTIONS)
  return now
}

const FRESH: GradientState = { limit: 100, usual: 0, windows: 0 }

describe('the gradient', () => {
  test('grows slowly while answers take what they usually do', () => {
    const { limit, usual } = after(50, 20, FRESH)
    expect(usual).toBeCloseTo(20)
    expect(limit).toBeCloseTo(100 + 50 * 0.8)
  })

  test('tolerates answers half as slow again', () => {
    const warm = after(10, 20, FRESH)
    expect(nextGradient(warm, 29, 200, OPTIONS).limit).toBeGreaterThan(warm.limit)
    expect(nextGradient(warm, 40, 200, OPTIONS).limit).toBeLessThan(warm.limit)
  })

  test('falls by a tenth a window at most, and never below its bounds', () => {
    const warm = after(10, 20, FRESH)
    expect(nextGradient(warm, 4000, 200, OPTIONS).limit).toBeCloseTo(warm.limit * 0.9 + 0.8)
    expect(after(500, 4000, warm).limit).toBeGreaterThanOrEqual(5)
    expect(after(5000, 20, warm).limit).toBe(1000)
  })

  test('stays where it is not made use of', () => {
    const warm = after(10, 20, FRESH)
    expect(nextGradient(warm, 20, warm.limit / 2 - 1, OPTIONS).limit).toBe(warm.limit)
    expect(nextGradient(warm, 400, 1, OPTIONS).limit).toBe(warm.limit)
  })

  test('what is usual comes down faster than it goes up', () => {
    const slow = after(10, 200, FRESH)
    expect(after(50, 20, slow).usual).toBeLessThan(60)
    const quick = after(10, 20, FRESH)
    expect(after(50, 200, quick).usual).toBeLessThan(30)
  })
})

describe('one limit for all workers', () => {
  function limits(workers: number): AdaptiveLimit[] {
    const cells = new TestCells(1)
    const ref = cells.wordBlock(4)
    return Array.from({ length: workers }, () => new AdaptiveLimit(cells.space.int32(ref), ref.slot, OPTIONS))
  }

  test('is the same for all, whoever ends the window', () => {
    const [a, b] = limits(2) as [AdaptiveLimit, AdaptiveLimit]
    expect([a.current, b.current]).toEqual([100, 100])
    for (let i = 0; i < 10; i++) a.sample(20, 90, 1000 + i)
    expect([a.current, b.current]).toEqual([100, 100])
    for (let i = 0; i < 12; i++) a.sample(20, 100, 1300 + i * 30)
    expect(a.current).toBeGreaterThan(100)
    expect(b.current).toBe(a.current)
  })

  test('a window ends once, and what others saw of it counts for nothing', () => {
    const [a, b] = limits(2) as [AdaptiveLimit, AdaptiveLimit]
    for (let i = 0; i < 10; i++) {
      a.sample(20, 100, 5000)
      b.sample(9000, 100, 5000)
    }
    const { current } = a
    // b begins anew with the window that a began.
    b.sample(9000, 100, 5201)
    expect(b.current).toBe(current)
  })

  test('few samples end no window', () => {
    const [a] = limits(1) as [AdaptiveLimit]
    for (let i = 0; i < 9; i++) a.sample(20, 100, 1000 + i * 1000)
    expect(a.current).toBe(100)
  })

  test('keeps within bounds that have changed', () => {
    const words = new Int32Array([500_000, 0, 0, 0])
    expect(readLimit(words, 0, { min: 5, max: 50, initial: 10 })).toBe(50)
    expect(readLimit(new Int32Array(4), 0, { min: 5, max: 50, initial: 10 })).toBe(10)
  })
})

describe.each([1, 2, 3])('a server that can take so many at a time (seed %i)', (seed) => {
  test('is found out, followed down, and followed up again', () => {
    const words = new Int32Array(4)
    const server = new LoadedServer(new AdaptiveLimit(words, 0, OPTIONS), seed, { capacity: 50, serviceMs: 20 })
    // Half of what it can take: 1,250 a second.
    server.run(10_000, 1250)
    expect(server.refused).toBe(0)
    const before = server.tail
    expect(before).toBeLessThan(60)

    // Twice what it can take.
    server.run(30_000, 5000)
    expect(server.limit).toBeGreaterThan(45)
    expect(server.limit).toBeLessThan(150)
    expect(server.throughput).toBeGreaterThan(0.9 * 2500)
    expect(server.tail).toBeLessThan(100)

    // It loses most of what it had.
    server.capacity = 10
    server.run(30_000, 5000)
    expect(server.limit).toBeLessThan(40)
    expect(server.throughput).toBeGreaterThan(0.9 * 500)

    server.capacity = 50
    server.run(60_000, 5000)
    expect(server.limit).toBeGreaterThan(45)
    expect(server.throughput).toBeGreaterThan(0.85 * 2500)
  })
})
