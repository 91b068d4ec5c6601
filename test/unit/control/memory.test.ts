import { expect, test } from 'vitest'
import { workerLimits } from '../../../src/control/memory.ts'

const GIB = 1024 ** 3

test('heaps of all workers and the control plane share a part of the limit', () => {
  expect(workerLimits(GIB, 8 * GIB, 3)).toEqual({ maxOldGenerationSizeMb: 153 })
})

test('no limit, no heap limits', () => {
  expect(workerLimits(0, 8 * GIB, 3)).toEqual({})
  expect(workerLimits(2 ** 64, 8 * GIB, 3)).toEqual({})
})

test('never so small that a worker can not start', () => {
  expect(workerLimits(GIB / 4, 8 * GIB, 16)).toEqual({ maxOldGenerationSizeMb: 64 })
})
