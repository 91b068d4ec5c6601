import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { describeChaos } from './assert.ts'
import { CATALOGUE } from './catalogue.ts'
import { failureModesPage, PAGE } from './page.ts'

describeChaos(CATALOGUE.filter(({ about }) => !about.name.startsWith('endpoint-')))

test('docs/failure-modes.md is what npm run chaos -- --docs writes', () => {
  expect(readFileSync(PAGE, 'utf8')).toBe(failureModesPage())
})
