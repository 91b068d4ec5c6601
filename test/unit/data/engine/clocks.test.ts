import { describe, expect, test } from 'vitest'
import { NO_LIMITS, type TimeLimits } from '../../../../src/core/plan.ts'
import { Clocks, type ClocksOwner, type Expired } from '../../../../src/data/engine/clocks.ts'
import { TimerWheel } from '../../../../src/lib/timers.ts'
import { ManualClock } from '../../../kit/clock.ts'

class Owner implements ClocksOwner {
  readonly expired: Expired[] = []
  blockedMs = 0
  progress = 0
  readonly body = {
    takeBlockedMs: (): number => this.blockedMs,
    takeProgress: (): number => {
      const { progress } = this
      this.progress = 0
      return progress
    },
  }

  onExpired(what: Expired): void {
    this.expired.push(what)
  }
}

function setUp(limits: Partial<TimeLimits>): {
  clock: ManualClock
  owner: Owner
  clocks: Clocks
  wheel: TimerWheel
} {
  const clock = new ManualClock()
  const owner = new Owner()
  const wheel = new TimerWheel(clock)
  return { clock, owner, wheel, clocks: new Clocks(owner, clock, wheel, clock.now(), { ...NO_LIMITS, ...limits }) }
}

describe('the clocks of an exchange', () => {
  test('the deadline expires within 10 ms of its time, once', () => {
    const { clock, owner } = setUp({ request: 1000 })
    clock.advance(995)
    expect(owner.expired).toEqual([])
    clock.advance(20)
    expect(owner.expired).toEqual(['deadline'])
    clock.advance(100_000)
    expect(owner.expired).toEqual(['deadline'])
  })

  test('the deadline stands still while the body moves', () => {
    const { clock, owner, clocks } = setUp({ request: 1000 })
    clock.advance(400)
    clocks.setMoving(owner.body)
    clock.advance(30_000)
    expect(clocks.movedMs()).toBe(30_000)
    clocks.setMoving(undefined)
    clock.advance(590)
    expect(owner.expired).toEqual([])
    clock.advance(20)
    expect(owner.expired).toEqual(['deadline'])
  })

  test('a trusted peer may shorten the deadline, never lengthen it', () => {
    const { clock, owner, clocks } = setUp({ request: 1000 })
    clocks.shorten(clock.now() + 5000)
    clocks.shorten(clock.now() + 100)
    clock.advance(110)
    expect(owner.expired).toEqual(['deadline'])
  })

  test('silence counts from the last byte; a short one is not held up by a long deadline', () => {
    const { clock, owner, clocks } = setUp({ request: 60_000 })
    clocks.relaying(1000)
    clock.advance(900)
    clocks.active()
    clock.advance(900)
    expect(owner.expired).toEqual([])
    clock.advance(200)
    expect(owner.expired).toEqual(['silent'])
  })

  test('a body below the minimum rate is blamed on whoever held it up for most of the time', () => {
    for (const blockedMs of [15_000, 14_999]) {
      const { clock, owner, clocks } = setUp({ request: 15_000, minRate: { bytes: 1024, window: 30_000 } })
      owner.blockedMs = blockedMs
      clocks.setMoving(owner.body)
      owner.progress = 30 * 1024
      clock.advance(30_010)
      expect(owner.expired).toEqual([])
      owner.progress = 30 * 1024 - 1
      clock.advance(30_010)
      expect(owner.expired).toEqual([blockedMs === 15_000 ? 'slow_upstream' : 'slow_client'])
    }
  })

  test('the total bounds everything', () => {
    const { clock, owner, clocks } = setUp({ request: 1000, total: 5000 })
    clocks.setMoving(owner.body)
    clock.advance(2000)
    clocks.setMoving(undefined)
    clocks.relaying(60_000)
    clock.advance(2990)
    expect(owner.expired).toEqual([])
    clock.advance(20)
    expect(owner.expired).toEqual(['total'])
  })

  test('recovery gets at least its grace, and nothing fires after stop', () => {
    const { clock, owner, clocks, wheel } = setUp({ request: 100 })
    clock.advance(110)
    clocks.extend(1000)
    clock.advance(900)
    expect(owner.expired).toEqual(['deadline'])
    clocks.stop()
    clock.advance(10_000)
    expect(owner.expired).toEqual(['deadline'])
    wheel.close()
  })

  test('a request that ends in time costs one timer', () => {
    const { clock, owner, clocks } = setUp({ request: 15_000, idle: 60_000 })
    clocks.setMoving(owner.body)
    clocks.setMoving(undefined)
    clocks.relaying(60_000)
    clocks.stop()
    clock.advance(10)
    expect(clock.timers).toBe(0)
  })
})
