import { expect, it } from 'vitest'
import { expectAt, route, TWO } from '../../../kit/lints.ts'

/** Name, config, what is found at `‸`; undefined: nothing, though nearly. */
const CASES: readonly (readonly [string, string, string | undefined])[] = [
  [
    'an upstream without a retry budget',
    route('', `{ endpoints: ${TWO}, retryBudget: ‸off }`),
    'retries-without-budget',
  ],
  ['one whose routes do not retry', route('retries: off', `{ endpoints: ${TWO}, retryBudget: off }`), undefined],
]

it.each(CASES)('%s', async (_name, sections, expected) => {
  expect(sections.includes('‸')).toBe(expected !== undefined)
  await expectAt(sections, expected)
})
