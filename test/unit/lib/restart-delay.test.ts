import { describe, expect, test } from 'vitest'
import { RestartDelay } from '../../../src/lib/restart-delay.ts'

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
