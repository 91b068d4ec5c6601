import { describe, expect, test } from 'vitest'
import { FailedReplacements, RestartDelay } from '../../../../src/control/workers/restarts.ts'

describe('RestartDelay', () => {
  test('doubles from 0.1 to 30 s and stays there', () => {
    const delay = new RestartDelay()
    const delays = Array.from({ length: 11 }, () => delay.next(1000))
    expect(delays).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000])
  })

  test('a minute of life starts it again', () => {
    const delay = new RestartDelay()
    for (let i = 0; i < 5; i++) delay.next(59_999)
    expect(delay.next(60_000)).toBe(100)
    expect(delay.next(10)).toBe(200)
  })
})

describe('FailedReplacements', () => {
  test('five within a minute are too many', () => {
    const failed = new FailedReplacements()
    for (const at of [0, 10_000, 20_000, 30_000]) failed.note(at)
    expect(failed.tooMany(30_000)).toBe(false)
    failed.note(40_000)
    expect(failed.tooMany(40_000)).toBe(true)
    expect(failed.tooMany(60_000)).toBe(true)
    expect(failed.tooMany(60_001)).toBe(false)
  })

  test('only the latest five count', () => {
    const failed = new FailedReplacements()
    for (let at = 0; at < 100; at++) failed.note(at * 20_000)
    expect(failed.tooMany(99 * 20_000)).toBe(false)
  })
})
