import { beforeEach, describe, expect, test } from 'vitest'
import type { WorkerState } from '../../../../src/control/contract.ts'
import { CellRegistry } from '../../../../src/control/registry/registry.ts'
import { OverloadGuard } from '../../../../src/control/workers/overload-guard.ts'
import { PressureWord, Stage } from '../../../../src/core/pressure.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { memoryLog } from '../../../kit/log.ts'

const LIMITS = { delay: 100, utilization: 0.95, memory: 0.85, sockets: 0.85, mode: 'enforce' } as const

let clock: ManualClock
let registry: CellRegistry
let worker: ReturnType<typeof slot>
let guard: OverloadGuard

function slot() {
  return {
    pressure: registry.lease().pressure(0),
    heartbeat: registry.lease().heartbeat(0),
    startedAt: clock.now(),
    state: 'starting' as WorkerState,
  }
}

beforeEach(() => {
  clock = new ManualClock()
  registry = new CellRegistry(1)
  worker = slot()
  guard = new OverloadGuard({
    limits: () => LIMITS,
    registry,
    workers: [worker],
    memory: () => 0,
    sockets: () => 0,
    clock,
    log: memoryLog(),
  })
  beat()
  guard.start()
})

const beat = (): void => registry.write(worker.heartbeat, clock.now())

/** What the worker reads. */
const stage = (): number => registry.words(worker.pressure)[worker.pressure.slot + PressureWord.stage] as number

describe('OverloadGuard', () => {
  test('a worker that serves and does not beat is late: it refuses in the end, and is eased bit by bit', () => {
    worker.state = 'serving'
    clock.advance(2_000)
    expect(stage()).toBe(Stage.refuse)
    for (let i = 0; i < 60; i++) {
      beat()
      clock.advance(250)
    }
    expect(stage()).toBe(Stage.none)
  })

  test('one that takes long to start is not overloaded for that', () => {
    const words = registry.words(worker.pressure)
    words[worker.pressure.slot + PressureWord.delay] = 5_000
    words[worker.pressure.slot + PressureWord.utilization] = 1_000
    clock.advance(5_000)
    expect(stage()).toBe(Stage.none)
    worker.state = 'serving'
    for (let i = 0; i < 3; i++) {
      beat()
      clock.advance(250)
      expect(stage()).toBe(Stage.none)
    }
  })

  test.each(['waiting', 'ending', 'starting'] as const)('nor is one that is %s after another one', (state) => {
    worker.state = 'serving'
    clock.advance(2_000)
    worker.state = state
    worker.startedAt = clock.now()
    clock.advance(5_000)
    expect(stage()).toBe(Stage.none)
    expect([...guard.all()]).toEqual([[0, Stage.none]])
  })
})
