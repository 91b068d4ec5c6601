import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { CATALOGUE } from './catalogue.ts'
import { failureModesPage, PAGE } from './page.ts'

describe('a failure scenario, in short', () => {
  test.each(CATALOGUE.map((chaos) => [chaos.about.name, chaos] as const))(
    '%s ends as docs/failure-modes.md says, in all that can be counted',
    async (_name, { run }) => {
      const counted = (await run('short', 1)).filter(({ kind }) => kind === 'count')
      expect(counted.length).toBeGreaterThan(1)
      expect(counted.filter(({ ok }) => !ok)).toEqual([])
    },
    90_000,
  )
})

test('docs/failure-modes.md is what npm run chaos -- --docs writes', () => {
  expect(readFileSync(PAGE, 'utf8')).toBe(failureModesPage())
})
