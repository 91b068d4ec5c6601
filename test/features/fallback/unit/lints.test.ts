import { expect, it } from 'vitest'
import { expectAt, route } from '../../../kit/lints.ts'

/** Name, config, what is found at `‸`; undefined: nothing, though nearly. */
const CASES: readonly (readonly [string, string, string | undefined])[] = [
  [
    'a fallback for other methods',
    route('‸fallback: { status: 503 }', undefined, '{ path: /a, methods: POST }'),
    'fallback-never-used',
  ],
  [
    'a fallback for one of them',
    route('fallback: { status: 503 }', undefined, '{ path: /a, methods: [POST, GET] }'),
    undefined,
  ],
  [
    'a fallback for HEAD of what takes GET',
    route('fallback: { methods: HEAD }', undefined, '{ path: /a, methods: GET }'),
    undefined,
  ],
  [
    'a fallback of an answer, which shedding needs',
    'routes:\n  a: { match: {}, respond: {}, fallback: {} }',
    undefined,
  ],
]

it.each(CASES)('%s', async (_name, sections, expected) => {
  expect(sections.includes('‸')).toBe(expected !== undefined)
  await expectAt(sections, expected)
})
