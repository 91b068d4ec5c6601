import { expect, test } from 'vitest'
import { weighs } from '../../../src/link/weight.ts'

const circle: unknown[] = []
circle.push(circle, circle)

test.each([
  ['a text', 'x'.repeat(1000), 1000],
  ['bytes', new Uint8Array(1000), 1000],
  ['a view of a larger buffer', new Uint8Array(1000).subarray(0, 1), 1000],
  ['a buffer', new ArrayBuffer(1000), 1000],
  ['shared memory', new Int32Array(new SharedArrayBuffer(1000)), 1000],
  ['many numbers', Array(200).fill(1), 1600],
  ['keys', { ['k'.repeat(1000)]: 1 }, 1000],
  ['a map', new Map([['k'.repeat(500), 'v'.repeat(500)]]), 1000],
  ['a set', new Set(['k'.repeat(1000)]), 1000],
  ['depth', JSON.parse('['.repeat(5000) + ']'.repeat(5000)), 40_000],
])('%s counts about what it takes', (_, value, bytes) => {
  expect(weighs(value, 1e9)).toBeGreaterThanOrEqual(bytes)
  expect(weighs(value, 1e9)).toBeLessThan(1.1 * bytes + 100)
})

test('one buffer counts once, however many views there are', () => {
  const whole = new Uint8Array(1000)
  expect(weighs([whole, whole.subarray(1), whole.subarray(2)], 1e9)).toBeLessThan(1100)
})

test.each([
  ['a circle', circle],
  ['a circle of keys', Object.assign({ k: {} as object }, { k: circle })],
])('%s has an end', (_, value) => {
  expect(weighs(value, 10_000)).toBeGreaterThan(10_000)
})

test('what cannot be cloned counts little', () => {
  expect(weighs([() => {}, Symbol('s'), null, undefined], 100)).toBeLessThan(100)
})
