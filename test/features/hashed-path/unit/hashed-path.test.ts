import { expect, test } from 'vitest'
import { hashedPath } from '../../../../src/features/hashed-path/feature.ts'
import { exchange } from '../../../kit/exchange.ts'
import { featureContext } from '../../../kit/feature.ts'

/** `readings`: ways in which servers may read the path. */
function reason(readings: readonly string[] | undefined, hashes: boolean): string | undefined {
  const ex = exchange()
  ex.readings = readings?.map((path) => ({ path })) as never
  const { services, ...context } = featureContext()
  const compiled = hashedPath.compile(undefined, { ...context, services: { ...services, hashesPath: () => hashes } })
  return (compiled?.path?.admit?.(ex) as { reason: string } | undefined)?.reason
}

test('only a path with several readings is refused, and only where it decides over the endpoint', () => {
  expect(reason(['/a/x', '/x'], true)).toBe('ambiguous_path')
  expect(reason(['/a/x', '/x'], false)).toBeUndefined()
  expect(reason(undefined, true)).toBeUndefined()
})
