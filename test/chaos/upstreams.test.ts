import { expect, test } from 'vitest'
import { DRILLS } from '../../src/tools/scenarios/index.ts'
import { describeChaos } from './assert.ts'
import { CATALOGUE } from './catalogue.ts'

const UPSTREAMS = DRILLS.filter(({ name }) => !name.startsWith('endpoint-')).map(({ name }) => name)

test('whole upstreams fail in several ways', () => {
  expect(UPSTREAMS.length).toBeGreaterThan(2)
})

describeChaos(CATALOGUE.filter(({ about }) => UPSTREAMS.includes(about.name)))
