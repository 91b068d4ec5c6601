import { describe, expect, test } from 'vitest'
import { workerCount, workerLimits } from '../../../../src/control/machine/machine.ts'

const GIB = 1024 ** 3
const machine = { cores: 4, memory: 8 * GIB, memoryLimit: 0, files: 1e6 }

describe('heap limits', () => {
  test('heaps of all workers and the control plane share a part of the limit', () => {
    expect(workerLimits({ ...machine, memoryLimit: GIB }, 3)).toEqual({
      maxYoungGenerationSizeMb: 48,
      maxOldGenerationSizeMb: 153,
    })
  })

  test('no limit, no heap limits', () => {
    expect(workerLimits(machine, 3)).toEqual({ maxYoungGenerationSizeMb: 48 })
    expect(workerLimits({ ...machine, memoryLimit: 2 ** 64 }, 3)).toEqual({ maxYoungGenerationSizeMb: 48 })
  })

  test('never so small that a worker cannot start', () => {
    expect(workerLimits({ ...machine, memoryLimit: GIB / 4 }, 16)).toEqual({
      maxYoungGenerationSizeMb: 48,
      maxOldGenerationSizeMb: 64,
    })
  })
})

describe('number of workers', () => {
  test.each([
    [{}, 4, 'cores'],
    [{ memoryLimit: GIB / 2 }, 2, 'memory limit'],
    [{ memoryLimit: GIB / 10 }, 1, 'memory limit'],
    [{ memoryLimit: 2 ** 64 }, 4, 'cores'],
    [{ cores: 64 }, 16, 'at most 16'],
    [{ cores: 64, memoryLimit: 8 * GIB }, 16, 'at most 16'],
  ])('auto with %j: %i (%s)', (facts, count, bound) => {
    expect(workerCount('auto', { ...machine, ...facts }, true)).toEqual({ count, bound })
  })

  test('configured, unless ports cannot be shared', () => {
    expect(workerCount(7, machine, true)).toEqual({ count: 7, bound: 'configured' })
    expect(workerCount(7, machine, false)).toMatchObject({ count: 1 })
  })
})
