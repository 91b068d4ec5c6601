import { describe, expect, test } from 'vitest'
import { BEAT_MS, beatAge, HeartbeatWatch } from '../../../../src/control/workers/heartbeat.ts'

/** Looks every beat from `from` to `to`. */
function lookOn(watch: HeartbeatWatch, from: number, to: number): void {
  for (let now = from; now <= to; now += BEAT_MS) watch.look(now)
}

describe('HeartbeatWatch', () => {
  test('beating up to 2 s, then stalled up to 10 s, then hung', () => {
    const watch = new HeartbeatWatch(0)
    lookOn(watch, 0, 30_000)
    expect(watch.judge(20_000, 22_000)).toBe('beating')
    expect(watch.judge(20_000, 22_001)).toBe('stalled')
    expect(watch.judge(20_000, 30_000)).toBe('stalled')
    expect(watch.judge(20_000, 30_001)).toBe('hung')
  })

  test('after a pause of the whole process ages count from its end', () => {
    const watch = new HeartbeatWatch(0)
    lookOn(watch, 0, 1000)
    watch.look(3_600_000)
    expect(watch.judge(1000, 3_600_000)).toBe('beating')
    expect(watch.elapsed(1000, 3_600_000)).toBe(0)
    lookOn(watch, 3_600_250, 3_610_500)
    expect(watch.judge(1000, 3_602_500)).toBe('stalled')
    expect(watch.judge(1000, 3_610_500)).toBe('hung')
  })

  test('ages survive the wrap of Int32 milliseconds', () => {
    const wrap = 2 ** 31
    expect(beatAge((wrap - 100) | 0, wrap + 400.7)).toBe(500)
    expect(beatAge((2 ** 32 - 1) | 0, 2 ** 32 + 9)).toBe(10)
  })
})
