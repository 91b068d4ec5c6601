import { describe, expect, test } from 'vitest'
import { IdleLimit } from '../../../../src/data/upstreams/idle-limit.ts'

/** Closes connections of these ages, one each ten seconds; what came of each. */
function closings(keepAliveMs: number, ages: readonly number[], apartMs = 10_000): (number | undefined)[] {
  const limit = new IdleLimit(keepAliveMs)
  return ages.map((age, i) => limit.closed(100_000 + i * apartMs - age, 100_000 + i * apartMs))
}

describe('the idle limit of a peer', () => {
  test('is certain when five in a row end at about the same age', () => {
    expect(closings(60_000, [2_100, 2_000, 2_300, 2_050, 2_400])).toEqual([...Array(4).fill(undefined), 2_000])
  })

  test('is not seen where we close ourselves, at the end of our time', () => {
    expect(closings(4_000, Array(10).fill(3_995))).toEqual(Array(10).fill(undefined))
    expect(closings(300, Array(10).fill(290))).toEqual(Array(10).fill(undefined))
  })

  test('is not seen in what ends right after an answer', () => {
    expect(closings(60_000, Array(10).fill(20))).toEqual(Array(10).fill(undefined))
  })

  test('is not what a restart does, that ends many of one age at once, nor restarts now and then', () => {
    expect(closings(60_000, Array(10).fill(2_000), 1)).toEqual(Array(10).fill(undefined))
    const restarts = [2_000, 20_000, 900, 7_000, 33_000, 500, 48_000, 3_000]
    expect(closings(60_000, restarts)).toEqual(restarts.map(() => undefined))
  })
})
