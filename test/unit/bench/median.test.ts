import { describe, expect, it } from 'vitest'
import { median, percentile } from '../../bench/median.ts'

describe('median', () => {
  it('is the middle value, whatever the order', () => expect(median([9, 1, 5])).toBe(5))

  it('is the mean of the two middle ones of an even number', () => expect(median([10, 1, 2, 4])).toBe(3))

  it('sorts as numbers, not as text', () => expect(median([100, 20, 3])).toBe(20))

  it('is no number where there are none', () => expect(median([])).toBeNaN())
})

describe('percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)

  it('is a value that occurs, with the share at or below it', () => {
    expect(percentile(hundred, 0.5)).toBe(50)
    expect(percentile(hundred, 0.99)).toBe(99)
    expect(percentile(hundred, 1)).toBe(100)
    expect(percentile([7], 0.5)).toBe(7)
  })

  it('is no number where there are none', () => expect(percentile([], 0.99)).toBeNaN())
})
