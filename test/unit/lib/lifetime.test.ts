import { describe, expect, test } from 'vitest'
import { ENDLESS, Lifetime, Spread } from '../../../src/lib/lifetime.ts'

describe('a life', () => {
  test('ends with the last request or at its age, whichever comes first', () => {
    const life = new Lifetime({ maxAge: 100, maxRequests: 2 }, 1, 1000)
    expect(life.reached(1099)).toBe(undefined)
    expect(life.reached(1100)).toBe('maxAge')
    life.left--
    expect(life.reached(1000)).toBe(undefined)
    life.left--
    expect(life.reached(1000)).toBe('maxRequests')
  })

  test('has no end without limits', () => {
    for (const limits of [ENDLESS, {}]) {
      const life = new Lifetime(limits, 0.95, 0)
      for (let i = 0; i < 1000; i++) life.left--
      expect(life.reached(Number.MAX_VALUE)).toBe(undefined)
    }
  })

  test('has at least one request, and small numbers of them are exact', () => {
    const spread = new Spread()
    for (let i = 0; i < 100; i++) {
      const share = spread.next()
      for (const maxRequests of [1, 2, 9, 10]) expect(new Lifetime({ maxRequests }, share, 0).left).toBe(maxRequests)
    }
  })
})

test('shares lie evenly in the upper tenth, however many there are', () => {
  for (const count of [10, 50, 1000]) {
    const spread = new Spread()
    const tenths = new Array<number>(10).fill(0)
    for (let i = 0; i < count; i++) {
      const share = spread.next()
      expect(share > 0.9 && share <= 1).toBe(true)
      const tenth = Math.min(9, Math.floor((1 - share) * 100))
      tenths[tenth] = (tenths[tenth] as number) + 1
    }
    for (const tenth of tenths) expect(Math.abs(tenth - count / 10)).toBeLessThanOrEqual(1 + count / 100)
  }
})
