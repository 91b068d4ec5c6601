import { beforeEach, expect, test } from 'vitest'
import { PressureWord, Stage, type WorkerLoad } from '../../../../src/core/pressure.ts'
import { control } from '../../../../src/features/overload/control.ts'
import { overload } from '../../../../src/features/overload/feature.ts'
import { TestCells } from '../../../kit/cells.ts'
import { StartedHalf } from '../../../kit/control-half.ts'

const CALM_MS = -250

let cells: TestCells
let worker: { -readonly [K in keyof WorkerLoad]: WorkerLoad[K] }
let started: StartedHalf

beforeEach(() => {
  cells = new TestCells()
  worker = { pressure: cells.wordBlock(4), present: true, servingSince: 0, overdue: () => CALM_MS }
  started = new StartedHalf(overload, control, cells, { workers: [worker] })
  started.apply([{ at: 'root', name: '', options: {} }])
})

const word = (name: keyof typeof PressureWord): number =>
  cells.space.int32(worker.pressure)[worker.pressure.slot + PressureWord[name]] as number

const gauge = () => [...(started.half.gauges?.sluice_overload_stage?.() ?? [])]

/** Its beats come later and later. */
function hang(): void {
  const since = started.clock.now()
  worker.overdue = (now) => now - since
}

test('a worker that serves and does not beat is late: it refuses in the end, and is eased bit by bit', () => {
  hang()
  started.clock.advance(2_000)
  expect([word('stage'), word('judged'), gauge()]).toEqual([3, 3, [{ labels: ['0'], value: 3 }]])
  worker.overdue = () => CALM_MS
  started.clock.advance(15_000)
  expect([word('stage'), word('judged'), gauge()]).toEqual([0, 0, [{ labels: ['0'], value: 0 }]])
  expect(started.log.lines.map(({ message }) => message)).toEqual([
    ...Array(2).fill('overload'),
    ...Array(3).fill('overload eases'),
  ])
})

test('one that does not serve yet, or no longer, is not overloaded for that', () => {
  worker.servingSince = undefined
  hang()
  started.clock.advance(5_000)
  expect(word('stage')).toBe(Stage.none)
  worker.servingSince = started.clock.now()
  started.clock.advance(2_000)
  expect(word('stage')).toBe(Stage.refuse)
  worker.servingSince = undefined
  started.clock.advance(250)
  expect([word('stage'), word('judged'), gauge()]).toEqual([0, 0, [{ labels: ['0'], value: 0 }]])
})

test('shadow: it only tells what it would do', () => {
  started.apply([{ at: 'root', name: '', options: { mode: 'shadow' } }])
  hang()
  started.clock.advance(2_000)
  expect([word('stage'), word('judged')]).toEqual([0, 3])
})

test('switched off, it lets go of every worker', () => {
  hang()
  started.clock.advance(2_000)
  started.apply([])
  started.clock.advance(250)
  expect([word('stage'), word('judged'), gauge()]).toEqual([0, 0, [{ labels: ['0'], value: 0 }]])
})
