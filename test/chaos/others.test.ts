import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { DRILLS } from '../../src/tools/scenarios/index.ts'
import { describeChaos } from './assert.ts'
import { CATALOGUE } from './catalogue.ts'
import { failureModesPage, PAGE } from './page.ts'

const DRILLED = new Set(DRILLS.map(({ name }) => name))

describeChaos(CATALOGUE.filter(({ about }) => !DRILLED.has(about.name)))

test('docs/failure-modes.md is what npm run chaos -- --docs writes', () => {
  expect(readFileSync(PAGE, 'utf8')).toBe(failureModesPage())
})
