import { expect, it } from 'vitest'
import { expectAt, route } from '../../../kit/lints.ts'

/** Name, config, what is found at `‸`; undefined: nothing, though nearly. */
const CASES: readonly (readonly [string, string, string | undefined])[] = [
  [
    'a queue that waits longer than the request may',
    route('timeouts: { request: 1s }\nbulkhead: { queue: { maxWait: ‸2s } }'),
    'limit-never-reached',
  ],
  ['one that does not', route('timeouts: { request: 2s }\nbulkhead: { queue: { maxWait: 2s } }'), undefined],
  [
    'an endpoint limit above the connections',
    route('', '{ endpoints: [ { url: "http://10.0.0.1:80", maxConcurrent: ‸9 } ], connections: { max: 8 } }'),
    'limit-never-reached',
  ],
  [
    'one that is reached',
    route('', '{ endpoints: [ { url: "http://10.0.0.1:80", maxConcurrent: 8 } ], connections: { max: 8 } }'),
    undefined,
  ],
  [
    'a bulkhead above all endpoints',
    route('bulkhead: { maxConcurrent: ‸9 }', '{ endpoints: [ { url: "http://10.0.0.1:80", maxConcurrent: 8 } ] }'),
    'limit-never-reached',
  ],
  [
    'one above them with a failover',
    `${route('bulkhead: { maxConcurrent: 9 }\nfailover: v', '{ endpoints: [ { url: "http://10.0.0.1:80", maxConcurrent: 8 } ] }').replace('routes:', '  v: { endpoints: [ http://v:80 ] }\nroutes:')}`,
    undefined,
  ],
  [
    'an adaptive limit above the fixed one',
    route('bulkhead: { maxConcurrent: 50, adaptive: { max: ‸60, min: 1, initial: 20 } }'),
    'limit-never-reached',
  ],
]

it.each(CASES)('%s', async (_name, sections, expected) => {
  expect(sections.includes('‸')).toBe(expected !== undefined)
  await expectAt(sections, expected)
})
