import { expect, test } from 'vitest'
import { WINDOW_SLOTS } from '../../../../src/cells/window.ts'
import { retryBudget } from '../../../../src/features/retry-budget/feature.ts'
import type { RetryBudgetOptions } from '../../../../src/features/retry-budget/keys.ts'
import { RetryBudget } from '../../../../src/features/retry-budget/retry-budget.ts'
import { seededRandom } from '../../../../src/lib/random.ts'
import { TestCells } from '../../../kit/cells.ts'
import { readOptions } from '../../../kit/feature.ts'

const OPTIONS: RetryBudgetOptions = { percent: 0.2, interval: 10_000, minRetryRate: { count: 10, interval: 1_000 } }

/** The same budget as each worker sees it. */
function budgets(workers: number, options: Partial<RetryBudgetOptions> = {}): RetryBudget[] {
  const cells = new TestCells(workers)
  const ref = cells.heldBlock(WINDOW_SLOTS)
  const all = { ...OPTIONS, ...options }
  return cells.spaces.map((space) => new RetryBudget(space.window(ref, all.interval), all))
}

test('the floor alone: 10 a second over the interval', () => {
  const [budget] = budgets(1) as [RetryBudget]
  const taken = Array.from({ length: 300 }, () => budget.take(5)).filter(Boolean)
  expect(taken).toHaveLength(100)
})

test('a share of the first attempts, of all workers', () => {
  const [a, b] = budgets(2, { minRetryRate: { count: 0, interval: 1_000 } }) as [RetryBudget, RetryBudget]
  for (let i = 0; i < 50; i++) a.first(5)
  expect(Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? a : b).take(5)).filter(Boolean)).toHaveLength(10)
})

test('what was given back can be taken again', () => {
  const [budget] = budgets(1, { minRetryRate: { count: 1, interval: 10_000 } }) as [RetryBudget]
  expect(budget.take(5)).toBe(true)
  expect(budget.take(5)).toBe(false)
  budget.give(5)
  expect(budget.take(5)).toBe(true)
})

test('a first attempt that did not go counts no more', () => {
  const [budget] = budgets(1, { minRetryRate: { count: 0, interval: 10_000 } }) as [RetryBudget]
  for (let i = 0; i < 10; i++) budget.first(5)
  expect([budget.take(5), budget.take(5), budget.take(5)]).toEqual([true, true, false])
  for (let i = 0; i < 5; i++) budget.withdraw(5)
  expect(budget.take(5)).toBe(false)
  budget.give(5)
  expect(budget.take(5)).toBe(false)
})

test('an interval later it is whole again', () => {
  const [budget] = budgets(1, { minRetryRate: { count: 1, interval: 10_000 } }) as [RetryBudget]
  expect(budget.take(5)).toBe(true)
  expect(budget.take(9_000)).toBe(false)
  expect(budget.take(11_000)).toBe(true)
})

test('under any load the retries of an interval stay within share and floor', () => {
  const options = { percent: 0.2, interval: 1_000, minRetryRate: { count: 2, interval: 1_000 } }
  const workers = budgets(3, options)
  const random = seededRandom(4)
  const firsts: number[] = []
  const retries: number[] = []
  const within = (times: number[], now: number): number => times.filter((at) => now - at < 1_100).length
  for (let now = 0; now < 20_000; now += 3) {
    const budget = workers[random.uint32() % 3] as RetryBudget
    if (random.float() < 0.5) {
      budget.first(now)
      firsts.push(now)
    } else if (budget.take(now)) {
      retries.push(now)
      expect(within(retries, now)).toBeLessThanOrEqual(2 * (0.2 * within(firsts, now) + 2) + 1)
    }
  }
  expect(retries.length).toBeGreaterThan(300)
})

test('drills learn which share of further attempts it admits', () => {
  const options = readOptions(retryBudget, { percent: '15%' }, 'upstream') as RetryBudgetOptions
  expect(retryBudget.upstream?.furtherShare?.(options)).toBe(0.15)
})
