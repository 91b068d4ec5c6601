import { expect, it } from 'vitest'
import { expectAt, route } from '../../../kit/lints.ts'

/** Name, config, what is found at `‸`; undefined: nothing, though nearly. */
const CASES: readonly (readonly [string, string, string | undefined])[] = [
  [
    'three attempts that do not fit',
    route('timeouts: { request: 5s, attempt: 2s }\nretries: { maxExtra: ‸2, when: timeout }'),
    'attempts-exceed-request',
  ],
  [
    'three that just do',
    route('timeouts: { request: 6s, attempt: 2s }\nretries: { maxExtra: 2, when: timeout }'),
    undefined,
  ],
  [
    'the same three where a timeout ends the request',
    route('timeouts: { request: 5s, attempt: 2s }\nretries: { maxExtra: 2, when: connect }'),
    undefined,
  ],
  [
    'the same three where a hedge runs beside them',
    route('timeouts: { request: 5s, attempt: 2s }\nretries: { maxExtra: 2, when: timeout }\nhedge: {}'),
    undefined,
  ],
  [
    'a timeout that is retried without an attempt timeout',
    route('retries: { when: [connect, ‸timeout] }'),
    'timeout-never-retried',
  ],
  ['the same where nothing is retried', route('retries: { maxExtra: 0, when: [connect, timeout] }'), undefined],
]

it.each(CASES)('%s', async (_name, sections, expected) => {
  expect(sections.includes('‸')).toBe(expected !== undefined)
  await expectAt(sections, expected)
})
