import { describe, expect, test } from 'vitest'
import { control } from '../../../../src/features/slo/control.ts'
import { slo } from '../../../../src/features/slo/feature.ts'
import { StartedHalf } from '../../../kit/control-half.ts'

const DAY = 86_400_000

interface Objective {
  readonly budgetRemaining: number
}

class Bench {
  readonly started = new StartedHalf(slo, control)

  constructor() {
    this.states({ availability: '99%', latency: { p95: '300ms' } })
  }

  get clock() {
    return this.started.clock
  }

  /** What route `orders` promises. */
  states(options: unknown): void {
    this.started.apply([{ name: 'orders', options }])
  }

  seen(objective: string, good: number, bad: number): void {
    const { counts } = this.started.metrics
    counts.set(`sluice_slo_events_total orders,${objective},good`, good)
    counts.set(`sluice_slo_events_total orders,${objective},bad`, bad)
  }

  all(): readonly Objective[] {
    const [view] = this.started.half.operations ?? []
    const read = view?.kind === 'view' ? view.read({ params: {}, query: {} }) : undefined
    return (read as { objectives: readonly Objective[] }).objectives
  }

  get remaining(): number[] {
    return this.all().map(({ budgetRemaining }) => Number(budgetRemaining.toFixed(6)))
  }
}

describe('the error budget', () => {
  test('is whole before anything was seen', () => {
    const bench = new Bench()
    expect(bench.all()).toEqual([
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
    expect(bench.all()[0]).toMatchObject({ good: 995, total: 1000 })
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
    expect(bench.all()[0]).toMatchObject({ good: 1000, total: 1000 })
  })

  test('goes with the objective', () => {
    const bench = new Bench()
    bench.states({ availability: '50%' })
    bench.seen('availability', 75, 25)
    expect(bench.remaining).toEqual([0.5])
    bench.started.apply([])
    expect(bench.all()).toEqual([])
    bench.started.half.close()
    expect(bench.clock.timers).toBe(0)
  })

  test('requests that were lost with a worker are bad ones', () => {
    const bench = new Bench()
    bench.seen('availability', 97, 0)
    bench.started.half.requestsLost?.('orders', 3)
    bench.started.half.requestsLost?.('others', 5)
    expect(bench.all()[0]).toMatchObject({ good: 97, total: 100 })
    bench.states({ latency: { p95: '300ms' } })
    bench.started.half.requestsLost?.('orders', 3)
    expect(bench.started.metrics.counts.get('sluice_slo_events_total orders,availability,bad')).toBe(3)
  })
})
