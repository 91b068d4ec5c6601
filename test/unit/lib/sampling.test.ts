import { describe, expect, test } from 'vitest'
import { newTraceparents } from '../../../src/data/seeing/trace.ts'
import { seededRandom } from '../../../src/lib/random.ts'
import { ConsistentSampler, thresholdOf } from '../../../src/lib/sampling.ts'

function traceparent(traceId: string): string {
  return `00-${traceId}-00f067aa0ba902b7-00`
}

test.each([
  [1, '00000000000000'],
  [0.5, '80000000000000'],
  [0.25, 'c0000000000000'],
  [0.01, 'fd70a3d70a3d70'],
])('the threshold of %s is that of the specification', (probability, threshold) => {
  expect(thresholdOf(probability)).toBe(threshold)
})

describe('sampling by trace ID', () => {
  test('all of the rightmost 56 bits decide, and no others', () => {
    const quarter = new ConsistentSampler(0.25)
    expect(quarter.chooses(traceparent('000000000000000000c0000000000000'))).toBe(true)
    expect(quarter.chooses(traceparent('ffffffffffffffffffbfffffffffffff'))).toBe(false)
    const hundredth = new ConsistentSampler(0.01)
    expect(hundredth.chooses(traceparent('000000000000000000fd70a3d70a3d70'))).toBe(true)
    expect(hundredth.chooses(traceparent('fffffffffffffffffffd70a3d70a3d6f'))).toBe(false)
  })

  test('0 % is none, 100 % all', () => {
    expect(new ConsistentSampler(0).chooses(traceparent('f'.repeat(32)))).toBe(false)
    expect(new ConsistentSampler(1).chooses(traceparent('0'.repeat(32)))).toBe(true)
  })

  test('a share of the traces is chosen, and who is chosen for a smaller share is for a larger one', () => {
    const made = newTraceparents(seededRandom(7))
    const traces = Array.from({ length: 20_000 }, () => made.next())
    let fewer: readonly string[] = []
    for (const probability of [0.01, 0.1, 0.5]) {
      const sampler = new ConsistentSampler(probability)
      const chosen = traces.filter((trace) => sampler.chooses(trace))
      expect(chosen.length / traces.length).toBeGreaterThan(probability * 0.85)
      expect(chosen.length / traces.length).toBeLessThan(probability * 1.15)
      expect(fewer.every((trace) => sampler.chooses(trace))).toBe(true)
      fewer = chosen
    }
  })
})
