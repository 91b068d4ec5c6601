import { describe, expect, test } from 'vitest'
import { Pace } from '../../../../src/data/engine/pace.ts'

const MIN_RATE = 1000

/** One look a second; at each, what the client had sent and taken by then. Bytes a second after each. */
function rates(looks: readonly (readonly [sent: number, taken: number])[]): number[] {
  const pace = new Pace(0, MIN_RATE, looks[0]?.[1] ?? 0)
  return looks.map(([sent, taken], second) => {
    pace.look(1000 * second, sent + taken, taken)
    return pace.rate
  })
}

const NOT_YET = Array.from({ length: 5 }, () => Number.POSITIVE_INFINITY)
const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value)

describe('the pace of a client', () => {
  test('is that of the latest 5 s, and not known before', () => {
    const sent = [0, 0, 0, 0, 0, 0, 500, 1000, 1000, 1000, 1000, 1000, 1000]
    expect(rates(sent.map((bytes) => [bytes, 0]))).toEqual([...NOT_YET, 0, 100, 200, 200, 200, 200, 100, 0])
  })

  test('looks that come late make the time longer, not the rate higher', () => {
    const pace = new Pace(0, MIN_RATE, 0)
    pace.look(0, 0, 0)
    pace.look(10_000, 5000, 0)
    expect(pace.rate).toBe(500)
    pace.look(14_000, 5000, 0)
    expect(pace.rate).toBe(5000 / 14)
  })

  test('a reader that takes a large piece after a while has paid for the next 30 s, and not for longer', () => {
    const looks = [...times(8, [0, 0] as const), ...times(40, [0, 1_000_000] as const)]
    const seen = rates(looks)
    expect(seen.slice(0, 8)).toEqual([...NOT_YET, 0, 0, 0])
    expect(seen.slice(8, 38)).toEqual(times(30, Number.POSITIVE_INFINITY))
    expect(seen.slice(38)).toEqual(times(10, 0))
  })

  test('a small piece pays for as long as it takes at the minimum rate', () => {
    const seen = rates([...times(8, [0, 0] as const), ...times(10, [0, 7000] as const)])
    expect(seen.slice(8)).toEqual([...times(7, Number.POSITIVE_INFINITY), 0, 0, 0])
  })

  test('what the buffers in between take at first pays for nothing, nor does what a client sends', () => {
    const filled = rates([[0, 0], [0, 4_000_000], ...times(8, [0, 4_000_000] as const)])
    expect(filled.slice(-3)).toEqual([0, 0, 0])
    const sent = rates([...times(8, [0, 0] as const), ...times(9, [6000, 0] as const)])
    expect(sent.slice(-2)).toEqual([0, 0])
  })

  test('a client that was still for longer is told from one that stands still now', () => {
    const pace = new Pace(0, MIN_RATE, 0)
    pace.look(0, 0, 0)
    pace.look(1000, 10, 0)
    pace.look(2000, 10, 0)
    expect(pace.stillSince).toBe(1000)
  })
})
