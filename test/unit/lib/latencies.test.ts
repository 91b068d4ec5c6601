import { describe, expect, test } from 'vitest'
import { Latencies } from '../../../src/lib/latencies.ts'
import { seededRandom } from '../../../src/lib/random.ts'

function filled(samples: readonly number[], now = 0): Latencies {
  const latencies = new Latencies()
  for (const ms of samples) latencies.record(ms, now)
  return latencies
}

describe('quantiles', () => {
  test('say nothing below 100 samples', () => {
    const latencies = filled(new Array(99).fill(5))
    expect(latencies.quantile(0.5, 0)).toBeUndefined()
    expect(latencies.median(0)).toBe(0)
    latencies.record(5, 0)
    expect(latencies.quantile(0.5, 0)).toBeGreaterThan(4.5)
  })

  test.each([0.05, 0.4, 1, 7, 80, 333, 4_000, 15_000, 90_000])('%d ms: at most 9 %% below, never above', (ms) => {
    const latencies = filled(new Array(200).fill(ms))
    for (const q of [0.01, 0.5, 0.95, 1]) {
      const told = latencies.quantile(q, 0) as number
      expect(told).toBeLessThanOrEqual(Math.max(ms, 0.1))
      expect(told).toBeGreaterThan(ms * 0.91)
    }
  })

  test('of a mixture', () => {
    const random = seededRandom(3)
    const samples = Array.from({ length: 5_000 }, () => 10 + 90 * random.float())
    const latencies = filled(samples)
    for (const q of [0.5, 0.95]) {
      const real = 10 + 90 * q
      expect(latencies.quantile(q, 0)).toBeGreaterThan(real * 0.88)
      expect(latencies.quantile(q, 0)).toBeLessThan(real * 1.03)
    }
  })
})

describe('time', () => {
  test('what is older than 20 s is gone', () => {
    const latencies = filled(new Array(200).fill(100))
    expect(latencies.quantile(0.5, 9_000)).toBeGreaterThan(90)
    expect(latencies.median(11_000)).toBeGreaterThan(90)
    expect(latencies.quantile(0.5, 21_500)).toBeUndefined()
    expect(latencies.median(21_500)).toBe(0)
  })

  test('an hour without a sample forgets all', () => {
    const latencies = filled(new Array(200).fill(100))
    expect(latencies.median(3_600_000)).toBe(0)
  })

  test('follows a change', () => {
    const latencies = filled(new Array(200).fill(100))
    for (let i = 0; i < 1000; i++) latencies.record(10, 12_000)
    expect(latencies.median(12_000)).toBeLessThan(11)
  })
})
