import { describe, expect, test } from 'vitest'
import { Objectives } from '../../../../../src/control/seeing/metrics/objectives.ts'
import type { SloConfig } from '../../../../../src/core/config.ts'
import { ManualClock } from '../../../../kit/clock.ts'

const DAY = 86_400_000

class Bench {
  readonly clock = new ManualClock()
  readonly counts = new Map<string, number>()
  slo: SloConfig | undefined = { availability: 0.99, latency: { target: 0.95, threshold: 300 } }
  readonly objectives = new Objectives({
    clock: this.clock,
    routes: () => [
      { name: 'orders', slo: this.slo },
      { name: 'plain', slo: undefined },
    ],
    count: (labels) => this.counts.get(labels.join(' ')) ?? 0,
  })

  seen(objective: string, good: number, bad: number): void {
    this.counts.set(`orders ${objective} good`, good)
    this.counts.set(`orders ${objective} bad`, bad)
  }

  get remaining(): number[] {
    return this.objectives.all().map(({ budgetRemaining }) => Number(budgetRemaining.toFixed(6)))
  }
}

describe('the error budget', () => {
  test('is whole before anything was seen', () => {
    const bench = new Bench()
    expect(bench.objectives.all()).toEqual([
      {
        route: 'orders',
        objective: 'availability',
        target: 0.99,
        window: '30d',
        good: 0,
        total: 0,
        budgetRemaining: 1,
      },
      {
        route: 'orders',
        objective: 'latency',
        target: 0.95,
        threshold: '300ms',
        window: '30d',
        good: 0,
        total: 0,
        budgetRemaining: 1,
      },
    ])
  })

  test('is what the bad ones leave of the share that may be bad', () => {
    const bench = new Bench()
    bench.seen('availability', 995, 5)
    bench.seen('latency', 900, 100)
    expect(bench.remaining).toEqual([0.5, -1])
    expect(bench.objectives.all()[0]).toMatchObject({ good: 995, total: 1000 })
  })

  test('forgets a day after 30 days', () => {
    const bench = new Bench()
    bench.seen('availability', 90, 10)
    bench.clock.advance(DAY)
    bench.seen('availability', 1090, 10)
    bench.clock.advance(28 * DAY)
    expect(bench.remaining[0]).toBeCloseTo(1 - 10 / 11, 5)
    bench.clock.advance(DAY)
    expect(bench.remaining[0]).toBe(1)
    expect(bench.objectives.all()[0]).toMatchObject({ good: 1000, total: 1000 })
  })

  test('goes with the objective', () => {
    const bench = new Bench()
    bench.slo = { availability: 0.5, latency: undefined }
    bench.seen('availability', 75, 25)
    expect(bench.remaining).toEqual([0.5])
    bench.slo = undefined
    expect(bench.objectives.all()).toEqual([])
    bench.objectives.close()
    expect(bench.clock.timers).toBe(0)
  })
})
