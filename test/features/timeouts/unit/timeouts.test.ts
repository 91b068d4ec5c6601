import { expect, test } from 'vitest'
import { language } from '../../../../src/config/language/language.ts'
import { actsOn } from '../../../../src/core/feature.ts'
import { timeouts } from '../../../../src/features/timeouts/feature.ts'
import { nodeOf } from '../../../../src/schema/node.ts'
import { At } from '../../../../src/schema/schema.ts'
import { readOptions } from '../../../kit/feature.ts'

const TOLD = { metrics: undefined as never, note: () => {} }

test('are the limits of the plan, as they were read', () => {
  const options = readOptions(timeouts, { request: '3s', attempt: '1s', idle: 'off' })
  const { limit } = timeouts.plan?.(options as never, TOLD) ?? {}
  expect(limit).toEqual({
    request: 3_000,
    attempt: 1_000,
    idle: undefined,
    stream: 300_000,
    total: undefined,
    minRate: { bytes: 1_024, window: 30_000 },
  })
})

test('act on every route, and cannot be off as a whole', () => {
  expect(actsOn(timeouts, undefined)).toBe(true)
  const { timeouts: field } = language([timeouts]).route.fields
  const found: unknown[] = []
  field?.schema.read(nodeOf('off'), new At(found as never, ''))
  expect(found).toHaveLength(1)
})
