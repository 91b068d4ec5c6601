import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/lib/random.ts'
import { sampleThreshold, traceShare } from '../../../src/telemetry/sampling.ts'

function traceparent(traceId: string): string {
  return `00-${traceId}-00f067aa0ba902b7-00`
}

describe('sampling by trace ID', () => {
  test('reads the first 32 of the rightmost 56 bits', () => {
    expect(traceShare(traceparent('ffffffffffffffffff00000000ffffff'))).toBe(0)
    expect(traceShare(traceparent('000000000000000000ffffffff000000'))).toBe(2 ** 32 - 1)
    expect(traceShare(traceparent('4bf92f3577b34da6a3ce929d0e0e4736'))).toBe(0xce929d0e)
  })

  test('0 % is none, 100 % all', () => {
    expect(sampleThreshold(1)).toBe(0)
    expect(sampleThreshold(0)).toBeGreaterThan(2 ** 32 - 1)
  })

  test('a share of the traces is chosen, and who is chosen for a smaller share is for a larger one', () => {
    const random = seededRandom(7)
    const word = (): string => random.uint32().toString(16).padStart(8, '0')
    const shares = Array.from({ length: 20_000 }, () => traceShare(traceparent(word() + word() + word() + word())))
    for (const sample of [0.01, 0.1, 0.5]) {
      const chosen = shares.filter((share) => share >= sampleThreshold(sample)).length
      expect(chosen / shares.length).toBeGreaterThan(sample * 0.85)
      expect(chosen / shares.length).toBeLessThan(sample * 1.15)
    }
    expect(sampleThreshold(0.1)).toBeGreaterThan(sampleThreshold(0.5))
  })
})
