import { expect, test } from 'vitest'
import { outlierDetection } from '../../../../src/features/outlier-detection/feature.ts'
import type { OutlierOptions } from '../../../../src/features/outlier-detection/keys.ts'
import { readOptions } from '../../../kit/feature.ts'

const of = (written: object) =>
  outlierDetection.upstream?.ejection?.(readOptions(outlierDetection, written, 'upstream') as OutlierOptions)

test('drills learn after how many failures it ejects, for how long, and until when an endpoint is back', () => {
  expect(of({})).toEqual({ after: 5, forMs: 30_000, recoveryMs: 120_000 })
  expect(of({ consecutiveFailures: 2, baseEjection: '1s', maxEjection: '3s' })).toEqual({
    after: 2,
    forMs: 1_000,
    recoveryMs: 3_000,
  })
})

test('one that counts no failures in a row, or ejects in shadow only, does not eject in time', () => {
  expect(of({ consecutiveFailures: 'off' })?.after).toBe(Number.POSITIVE_INFINITY)
  expect(of({ mode: 'shadow' })).toBeUndefined()
})
