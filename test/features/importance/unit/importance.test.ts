import { expect, test } from 'vitest'
import { importance } from '../../../../src/features/importance/feature.ts'
import { exchange } from '../../../kit/exchange.ts'
import { CompiledUse } from '../../../kit/feature.ts'

test.each([
  ['critical', undefined, true, 0],
  ['normal', undefined, true, 2],
  ['low', 'high', true, 1],
  ['critical', 'low', true, 3],
  ['low', 'high', false, 3],
  ['high', 'urgent', true, 1],
  ['high', '', true, 1],
])('a route of importance %s, and %s said by a peer that is trusted (%s): %i', (own, said, trusted, expected) => {
  const ex = exchange(said === undefined ? [] : ['Sluice-Importance', said])
  ex.trusted = trusted
  expect(new CompiledUse(importance, own).policy.admit?.(ex)).toBeUndefined()
  expect(ex.importance).toBe(expected)
})
