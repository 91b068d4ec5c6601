import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/lib/random.ts'
import { UuidV7 } from '../../../src/lib/uuid.ts'

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

function at(wall: { ms: number }, seed = 1): UuidV7 {
  const never = () => {
    throw new Error('not used')
  }
  return new UuidV7({ now: never, wall: () => wall.ms, after: never, cancel: never }, seededRandom(seed))
}

const timestamp = (uuid: string): number => Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16)

describe('UUIDv7', () => {
  test('carries version, variant and the time of RFC 9562', () => {
    const wall = { ms: 0x017f22e279b0 }
    const uuid = at(wall).next()
    expect(uuid).toMatch(UUID_V7)
    expect(uuid.startsWith('017f22e2-79b0-7')).toBe(true)
  })

  test('takes fractional time and times beyond 32 bits', () => {
    expect(timestamp(at({ ms: 1_800_000_000_123.75 }).next())).toBe(1_800_000_000_123)
  })

  test('grows strictly within a millisecond, past the counter, and when the clock steps back', () => {
    const wall = { ms: 1_800_000_000_000 }
    const ids = at(wall)
    let last = ids.next()
    for (let i = 0; i < 10_000; i++) {
      if (i === 9_000) wall.ms -= 5_000
      const next = ids.next()
      expect(next > last, `${last} < ${next}`).toBe(true)
      expect(next).toMatch(UUID_V7)
      last = next
    }
    expect(timestamp(last)).toBeLessThan(1_800_000_000_010)
    wall.ms = 1_800_000_001_000
    expect(timestamp(ids.next())).toBe(1_800_000_001_000)
  })

  test('two sources differ in the same millisecond', () => {
    const wall = { ms: 1_800_000_000_000 }
    expect(at(wall, 1).next()).not.toBe(at(wall, 2).next())
  })

  test('every random bit is used: each of the 62 takes both values', () => {
    const wall = { ms: 1_800_000_000_000 }
    const ids = at(wall)
    const seen = new Map<number, Set<string>>()
    for (let i = 0; i < 400; i++) {
      const tail = ids.next().slice(19).replace('-', '')
      const bits = [...tail].map((digit) => Number.parseInt(digit, 16).toString(2).padStart(4, '0')).join('')
      for (let bit = 0; bit < 64; bit++) {
        const values = seen.get(bit) ?? new Set()
        seen.set(bit, values.add(bits[bit] as string))
      }
    }
    const constant = [...seen].filter(([, values]) => values.size === 1).map(([bit]) => bit)
    expect(constant).toEqual([0, 1])
  })
})
