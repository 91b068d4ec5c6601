import { describe, expect, test } from 'vitest'
import { FailedReplacements } from '../../../../src/control/workers/restarts.ts'

describe('FailedReplacements', () => {
  test('five within a minute are too many', () => {
    const failed = new FailedReplacements()
    for (const at of [0, 10_000, 20_000, 30_000]) failed.note(at)
    expect(failed.tooMany(30_000)).toBe(false)
    failed.note(40_000)
    expect(failed.tooMany(40_000)).toBe(true)
    expect(failed.tooMany(60_000)).toBe(true)
    expect(failed.tooMany(60_001)).toBe(false)
  })

  test('only the latest five count', () => {
    const failed = new FailedReplacements()
    for (let at = 0; at < 100; at++) failed.note(at * 20_000)
    expect(failed.tooMany(99 * 20_000)).toBe(false)
  })
})
