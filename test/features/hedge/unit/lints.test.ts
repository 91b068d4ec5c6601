import { expect, it } from 'vitest'
import { expectAt, route } from '../../../kit/lints.ts'

/** Name, config, what is found at `‸`; undefined: nothing, though nearly. */
const CASES: readonly (readonly [string, string, string | undefined])[] = [
  [
    'a hedge of requests that may not be repeated',
    route('‸hedge: {}', undefined, '{ path: /a, methods: [POST, PATCH] }'),
    'hedge-never-happens',
  ],
  ['one of which some may', route('hedge: {}', undefined, '{ path: /a, methods: [POST, GET] }'), undefined],
  ['a hedge without retries', route('‸hedge: {}\nretries: off'), 'hedge-never-happens'],
  [
    'a hedge without a second endpoint',
    route('‸hedge: {}', '{ endpoints: [ http://10.0.0.1:8080 ] }'),
    'hedge-never-happens',
  ],
  ['a hedge after the end', route('‸hedge: { delay: 2s }\ntimeouts: { request: 2s }'), 'hedge-never-happens'],
  ['a hedge just before it', route('hedge: { delay: 1999ms }\ntimeouts: { request: 2s }'), undefined],
]

it.each(CASES)('%s', async (_name, sections, expected) => {
  expect(sections.includes('‸')).toBe(expected !== undefined)
  await expectAt(sections, expected)
})
