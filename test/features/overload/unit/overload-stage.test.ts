import { describe, expect, test } from 'vitest'
import { type OverloadReading, OverloadStage } from '../../../../src/features/overload/overload-stage.ts'

const LIMITS = { delay: 100, utilization: 0.95, memory: 0.8, sockets: 0.9 }
const CALM: OverloadReading = { delay: 1, utilization: 0.3, memory: 0.2, sockets: 0.1 }
const LOOK_MS = 250

/** Looks again and again; the stage after each look. */
function stages(guard: OverloadStage, reading: Partial<OverloadReading>, looks: number, from = 0): number[] {
  return Array.from({ length: looks }, (_, i) => guard.look({ ...CALM, ...reading }, LIMITS, from + i * LOOK_MS))
}

describe('up', () => {
  test.each<[Partial<OverloadReading>, number]>([
    [{}, 0],
    [{ delay: 99, utilization: 1 }, 0],
    [{ delay: 100, utilization: 1 }, 1],
    [{ delay: 300, utilization: 1 }, 2],
    [{ delay: 900, utilization: 1 }, 3],
    [{ delay: 5_000, utilization: 0.5 }, 0],
    [{ utilization: 1 }, 0],
    [{ memory: 0.8 }, 1],
    [{ memory: 0.9 }, 2],
    [{ memory: 0.96 }, 3],
    [{ sockets: 0.91 }, 1],
    [{ sockets: 0.99 }, 3],
    [{ memory: 0.8, sockets: 0.99 }, 3],
  ])('%j: stage %i', (reading, stage) => {
    expect(stages(new OverloadStage(), reading, 3).at(-1)).toBe(stage)
  })

  test('one late beat is no overload', () => {
    const guard = new OverloadStage()
    expect(stages(guard, { delay: 2_000, utilization: 1 }, 1)).toEqual([0])
    expect(stages(guard, {}, 3, 250)).toEqual([0, 0, 0])
    expect(stages(guard, { delay: 2_000, utilization: 1 }, 2, 1_000)).toEqual([0, 3])
  })
})

describe('down', () => {
  test('one stage at a time, each after two calm seconds', () => {
    const guard = new OverloadStage()
    stages(guard, { delay: 1_000, utilization: 1 }, 2)
    const falling = stages(guard, {}, 30, 500)
    expect(falling.slice(0, 7)).toEqual([3, 3, 3, 3, 3, 3, 3])
    expect([falling[7], falling[15], falling[23]]).toEqual([2, 1, 0])
  })

  test('what is only just below its limit keeps the stage', () => {
    const guard = new OverloadStage()
    stages(guard, { memory: 0.81 }, 2)
    expect(stages(guard, { memory: 0.78 }, 40, 500).at(-1)).toBe(1)
    expect(stages(guard, { memory: 0.6 }, 12, 10_500).at(-1)).toBe(0)
  })
})
