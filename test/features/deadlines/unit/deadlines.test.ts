import { expect, test } from 'vitest'
import { deadlines } from '../../../../src/features/deadlines/feature.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { exchange } from '../../../kit/exchange.ts'
import { featureContext } from '../../../kit/feature.ts'

const NONE = Number.POSITIVE_INFINITY

/** What of these fields counts. */
function offered(headers: readonly string[], trusted = true): number {
  const ex = exchange(headers)
  ex.trusted = trusted
  expect(deadlines.compile?.(undefined, featureContext())?.offered?.admit?.(ex)).toBeUndefined()
  return ex.offeredMs
}

test('what a trusted peer allows counts, the least of it', () => {
  expect(offered(['Sluice-Timeout-Ms', '250'])).toBe(250)
  expect(offered(['sluice-timeout-ms', '250', 'x', 'y', 'sluice-timeout-ms', '90'])).toBe(90)
  expect(offered(['sluice-timeout-ms', '250'], false)).toBe(NONE)
  expect(offered([])).toBe(NONE)
})

test.each(['abc', '-5', '0', '1e3', '99999999999999', ''])('an offer of %j is ignored', (value) => {
  expect(offered(['sluice-timeout-ms', value])).toBe(NONE)
})

test.each([
  ['own time is too short', 120, NONE, 'sluice'],
  ['offered time is too short', 1000, 40, 'client'],
  ['offered time was long enough, until it waited', 1000, 120, 'sluice'],
  ['time suffices', 1000, 200, undefined],
  ['there is no bound', NONE, NONE, undefined],
])('%s', (_what, deadline, offeredMs, origin) => {
  const clock = new ManualClock()
  const { services, ...context } = featureContext()
  const compiled = deadlines.compile?.(undefined, { ...context, clock, services: { ...services, typicalMs: () => 50 } })
  const ex = exchange()
  Object.assign(ex, { startedAt: clock.now(), deadline: clock.now() + deadline, offeredMs })
  clock.advance(100)
  expect(compiled?.meetable?.admit?.(ex)).toEqual(origin && { reason: 'deadline_unmeetable', phase: 'queue', origin })
})
