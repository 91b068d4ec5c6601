import { expect, test } from 'vitest'
import { cutOff } from '../../../../src/features/circuit-breaker/cut-off.ts'
import { circuitBreaker } from '../../../../src/features/circuit-breaker/feature.ts'
import type { CircuitBreakerOptions } from '../../../../src/features/circuit-breaker/keys.ts'
import { readOptions } from '../../../kit/feature.ts'

const of = (written: object) => cutOff(readOptions(circuitBreaker, written) as CircuitBreakerOptions)

test('drills learn after which outcomes it opens within 2 s, by how many probes it closes, and how long that may take', () => {
  const defaults = of({})
  expect([defaults?.refusesAfter(['connect']), defaults?.refusesAfter(['connect', 500])]).toEqual([true, false])
  expect([defaults?.probes, defaults?.recoveryMs]).toEqual([5, 35_000])
  expect(of({ maxOpenFor: '5s', openFor: '2s', halfOpen: { attempts: 2, ramp: '1s' } })).toMatchObject({
    probes: 2,
    recoveryMs: 6_000,
  })
})

test('one that is too slow to open, or opens in shadow only, cuts nothing off in time', () => {
  expect(of({ minRequests: 101 })?.refusesAfter(['connect'])).toBe(false)
  expect(of({ errorRate: '60%' })?.refusesAfter(['connect'])).toBe(false)
  expect(of({ window: '11s' })?.refusesAfter(['connect'])).toBe(false)
  expect(of({ mode: 'shadow' })).toBeUndefined()
})
