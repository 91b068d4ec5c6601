import { expect, test } from 'vitest'
import { joined, NO_FURTHER, NO_LIMITS } from '../../../src/core/plan.ts'

test('parts of features make one', () => {
  expect(joined([])).toEqual({})
  expect(joined([{ limit: NO_LIMITS }, {}, { again: NO_FURTHER }])).toEqual({ limit: NO_LIMITS, again: NO_FURTHER })
})

test('two features that say the same are an error', () => {
  expect(() => joined([{ limit: NO_LIMITS }, { limit: NO_LIMITS }])).toThrow('two features plan limit')
})
