import { expect, test } from 'vitest'
import { describeChaos } from './assert.ts'
import { CATALOGUE } from './catalogue.ts'

const ENDPOINTS = CATALOGUE.filter(({ about }) => about.name.startsWith('endpoint-'))

test('endpoints fail in several ways', () => {
  expect(ENDPOINTS.length).toBeGreaterThan(2)
})

describeChaos(ENDPOINTS)
