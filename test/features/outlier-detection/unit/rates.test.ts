import { expect, test } from 'vitest'
import { byFailurePercentage, bySuccessRate } from '../../../../src/features/outlier-detection/rates.ts'

const PERCENTAGE = { threshold: 0.85, minRequests: 50, minEndpoints: 3 }
const RATE = { deviation: 1.9, minRequests: 100, minEndpoints: 5 }
const good = { total: 200, failed: 2 }

test('failure percentage: at the threshold, not below it', () => {
  expect(byFailurePercentage([good, { total: 100, failed: 85 }, { total: 100, failed: 84 }], PERCENTAGE)).toEqual([1])
})

test('failure percentage: too few requests or too few busy endpoints judge nobody', () => {
  expect(byFailurePercentage([good, { total: 49, failed: 49 }, good], PERCENTAGE)).toEqual([])
  expect(byFailurePercentage([good, { total: 100, failed: 100 }], PERCENTAGE)).toEqual([])
})

test('success rate: the one that is far below the others', () => {
  expect(bySuccessRate([good, good, good, good, { total: 200, failed: 60 }], RATE)).toEqual([4])
})

test('success rate: when all are equally bad nobody is an outlier', () => {
  const bad = { total: 200, failed: 100 }
  expect(bySuccessRate([bad, bad, bad, bad, bad], RATE)).toEqual([])
})

test('success rate: an endpoint without failures is never one', () => {
  const perfect = { total: 200, failed: 0 }
  expect(bySuccessRate([perfect, perfect, perfect, perfect, perfect], { ...RATE, deviation: 0.5 })).toEqual([])
})
