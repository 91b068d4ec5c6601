import { describe, expect, test } from 'vitest'
import { cookieOf, STICKY, split, spread } from '../../../kit/shares.ts'

test('weights are kept while all can take requests', () => {
  const kit = split({ a: 3, b: 1 })
  const { a = 0, b = 0 } = spread(kit, 2000)
  expect(a / (a + b)).toBeCloseTo(0.75, 1)
})

describe('a sticky cookie', () => {
  test('decides the upstream, be its weight as small as it may', () => {
    const kit = split({ a: 9, b: 1 }, { atUpstreams: { sticky: STICKY } })
    expect(spread(kit, 200, ['cookie', cookieOf(kit, 'b')])).toEqual({ b: 200 })
    expect(spread(kit, 200, ['cookie', cookieOf(kit, 'a')])).toEqual({ a: 200 })
  })

  test('not of an upstream that the route no longer has, and not a made-up one', () => {
    const kit = split({ a: 1, b: 1 }, { atUpstreams: { sticky: STICKY } })
    const cookie = cookieOf(split({ c: 1 }, { atUpstreams: { sticky: STICKY } }), 'c')
    for (const value of [cookie, 'to=x', 'to=']) {
      const { a = 0, b = 0 } = spread(kit, 200, ['cookie', value])
      expect(Math.min(a, b)).toBeGreaterThan(50)
    }
  })

  test('whether or not requests may move', () => {
    const kit = split({ a: 1, b: 1 }, { atUpstreams: { sticky: STICKY }, spill: false })
    expect(spread(kit, 100, ['cookie', cookieOf(kit, 'b')])).toEqual({ b: 100 })
  })
})
