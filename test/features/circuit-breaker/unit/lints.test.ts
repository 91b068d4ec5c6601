import { expect, it } from 'vitest'
import { expectAt, route, TWO } from '../../../kit/lints.ts'

/** Name, config, what is found at `‸`; undefined: nothing, though nearly. */
const CASES: readonly (readonly [string, string, string | undefined])[] = [
  [
    'a breaker with too many requests',
    route('bulkhead: { maxConcurrent: 5 }\ncircuitBreaker: { minRequests: ‸16, window: 10s }'),
    'breaker-never-opens',
  ],
  [
    'one behind a bulkhead of the upstream',
    route('circuitBreaker: { minRequests: ‸16, window: 10s }', `{ endpoints: ${TWO}, bulkhead: { maxConcurrent: 5 } }`),
    'breaker-never-opens',
  ],
  [
    'one with just as many as can be',
    route('bulkhead: { maxConcurrent: 5 }\ncircuitBreaker: { minRequests: 10, window: 10s }'),
    undefined,
  ],
  [
    'one whose window holds a second round',
    route('bulkhead: { maxConcurrent: 5 }\ncircuitBreaker: { minRequests: 15, window: 16s }'),
    undefined,
  ],
  [
    'one that does not judge timeouts',
    route('bulkhead: { maxConcurrent: 5 }\ncircuitBreaker: { minRequests: 16, when: connect }'),
    undefined,
  ],
  [
    'a bulkhead that refuses nothing',
    route('bulkhead: { maxConcurrent: 5, mode: shadow }\ncircuitBreaker: { minRequests: 16 }'),
    undefined,
  ],
  [
    'twice as many attempts with a hedge',
    route('bulkhead: { maxConcurrent: 5 }\ncircuitBreaker: { minRequests: 20, window: 10s }\nhedge: {}'),
    undefined,
  ],
  [
    'a window below the attempt timeout',
    route('timeouts: { attempt: 5s }\ncircuitBreaker: { window: ‸4s }'),
    'breaker-window-short',
  ],
  ['a window as long', route('timeouts: { attempt: 5s }\ncircuitBreaker: { window: 5s }'), undefined],
]

it.each(CASES)('%s', async (_name, sections, expected) => {
  expect(sections.includes('‸')).toBe(expected !== undefined)
  await expectAt(sections, expected)
})
