import { expect, test } from 'vitest'
import { Attempt } from '../../../../src/core/attempt.ts'
import { answered, GOOD, LEFT_BEHIND, OVERTAKEN, SPARE } from '../../../../src/core/outcome.ts'
import { expiredFailure, overtaken } from '../../../../src/data/engine/ends.ts'

/** The one that has its head: when it began, how long it took, what it came to. The other one began at 1000. */
test.each([
  [1_100, 5, GOOD, LEFT_BEHIND],
  [1_100, 100, GOOD, LEFT_BEHIND],
  // The request may be a slow one.
  [1_100, 101, GOOD, OVERTAKEN],
  [1_020, 300, GOOD, OVERTAKEN],
  // Errors come quicker than answers.
  [1_100, 5, answered(500), OVERTAKEN],
  [1_000, 5, GOOD, SPARE],
  [900, 101, GOOD, SPARE],
  [900, 5_000, GOOD, SPARE],
])('overtaken by one that began at %d and took %d ms', (startedAt, ms, head, verdict) => {
  const by = Object.assign(new Attempt(2, 'a', startedAt), { headAt: startedAt + ms, head })
  expect(overtaken(new Attempt(1, 'a', 1_000), by)).toBe(verdict)
})

test('silence is that of the reader while it does not take the answer, or all of it is written', () => {
  const silent = (relay: { unread: boolean } | undefined, feed?: object) =>
    expiredFailure('silent', { ex: { sent: true }, relay, stream: false, feed }, false)
  expect(silent({ unread: true })).toMatchObject({ reason: 'request_timeout', origin: 'client' })
  expect(silent(undefined)).toMatchObject({ reason: 'request_timeout', origin: 'client' })
  expect(silent({ unread: false })).toMatchObject({ reason: 'idle_timeout', origin: 'upstream' })
  expect(silent({ unread: false }, {})).toMatchObject({ reason: 'idle_timeout', origin: 'sluice' })
})
