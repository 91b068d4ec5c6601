import { expect, it } from 'vitest'
import { expectAt, route, TWO } from '../../../kit/lints.ts'

/** Name, config, what is found at `‸`; undefined: nothing, though nearly. */
const CASES: readonly (readonly [string, string, string | undefined])[] = [
  [
    'an attempt timeout above the request timeout',
    route('timeouts: { request: 1s, attempt: ‸2s }'),
    'timeout-never-reached',
  ],
  ['one that is the same', route('timeouts: { request: 2s, attempt: 2s }'), undefined],
  ['an attempt timeout without retries', route('timeouts: { attempt: ‸2s }\nretries: off'), 'timeout-never-reached'],
  [
    'the same from the defaults',
    `defaults: { route: { timeouts: { attempt: 2s } } }\n${route('retries: off')}`,
    undefined,
  ],
  [
    'a connect timeout above the request timeout',
    route('timeouts: { request: 1s }', `{ endpoints: ${TWO}, timeouts: { connect: ‸3s } }`),
    'timeout-never-reached',
  ],
  ['one that nobody wrote', route('timeouts: { request: 1s }'), undefined],
  ['no bound on the wait', route('timeouts: { request: ‸off }'), 'unbounded-wait'],
  ['the total as the bound', route('timeouts: { request: off, total: 1h }'), undefined],
  [
    'a drain below the longest request',
    `drain: { timeout: ‸5s }\n${route('timeouts: { request: 6s }')}`,
    'drain-too-short',
  ],
  ['a drain below the built-in request timeout', `drain: { timeout: 5s }\n${route('')}`, undefined],
  ['the built-in drain below a request', route('timeouts: { request: ‸21s }'), 'drain-too-short'],
  ['the built-in drain, not below it', route('timeouts: { request: 20s }'), undefined],
]

it.each(CASES)('%s', async (_name, sections, expected) => {
  expect(sections.includes('‸')).toBe(expected !== undefined)
  await expectAt(sections, expected)
})
