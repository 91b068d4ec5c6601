import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/lib/random.ts'
import { Timer, TimerWheel } from '../../../src/lib/timers.ts'
import { ManualClock } from '../../kit/clock.ts'

function setUp(): { clock: ManualClock; wheel: TimerWheel; fired: string[]; timer: (name: string) => Timer } {
  const clock = new ManualClock()
  const fired: string[] = []
  return { clock, wheel: new TimerWheel(clock), fired, timer: (name) => new Timer(() => fired.push(name)) }
}

describe('the timer wheel', () => {
  test('never fires early and at most 10 ms late, for 2,000 random delays up to a minute', () => {
    const { clock, wheel } = setUp()
    const random = seededRandom(7)
    let checked = 0
    for (let i = 0; i < 2000; i++) {
      const delay = random.float() * 60_000
      const due = clock.now() + delay
      wheel.schedule(
        new Timer(() => {
          checked++
          expect(clock.now()).toBeGreaterThanOrEqual(due)
          expect(clock.now()).toBeLessThanOrEqual(due + 10)
        }),
        delay,
      )
      if (i % 100 === 0) clock.advance(random.float() * 20)
    }
    clock.advance(61_000)
    expect(checked).toBe(2000)
    expect(clock.timers).toBe(0)
  })

  test('a cancelled timer does not fire, a moved one fires once at its new time', () => {
    const { clock, wheel, fired, timer } = setUp()
    const cancelled = timer('cancelled')
    const moved = timer('moved')
    wheel.schedule(cancelled, 50)
    wheel.schedule(moved, 50)
    wheel.cancel(cancelled)
    wheel.schedule(moved, 200)
    clock.advance(150)
    expect(fired).toEqual([])
    clock.advance(100)
    expect(fired).toEqual(['moved'])
    expect(moved.scheduled).toBe(false)
  })

  test('a callback may cancel its neighbours and schedule itself again', () => {
    const { clock, wheel, fired, timer } = setUp()
    const victim = timer('victim')
    const again: Timer = new Timer(() => {
      fired.push('again')
      wheel.cancel(victim)
      if (fired.length < 3) wheel.schedule(again, 20)
    })
    wheel.schedule(victim, 20)
    wheel.schedule(again, 20)
    clock.advance(200)
    expect(fired).toEqual(['again', 'again', 'again'])
  })

  test('after a long stall everything that is due fires, and nothing that is not', () => {
    const { clock, wheel, fired, timer } = setUp()
    wheel.schedule(timer('soon'), 30)
    wheel.schedule(timer('late'), 50_000)
    wheel.schedule(timer('never'), 200_000)
    // One jump, as a blocked thread sees it: the clock's own timer comes only at its end.
    Object.assign(clock, { time: clock.now() + 100_000 })
    clock.advance(10)
    expect(fired.sort()).toEqual(['late', 'soon'])
  })

  test('holds no clock timer when nothing is scheduled, and none after close', () => {
    const { clock, wheel, timer } = setUp()
    expect(clock.timers).toBe(0)
    wheel.schedule(timer('x'), 1000)
    expect(clock.timers).toBe(1)
    wheel.close()
    expect(clock.timers).toBe(0)
  })
})
