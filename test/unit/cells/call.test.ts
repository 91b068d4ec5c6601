import { expect, test } from 'vitest'
import { CallCell } from '../../../src/cells/call.ts'
import { TestCells } from '../../kit/cells.ts'

/** The same word as two workers have it. */
function calls(): [CallCell, CallCell] {
  const cells = new TestCells(2)
  const { page, slot } = cells.word()
  return cells.spaces.map((space) => new CallCell(space.int32({ page, slot }), slot)) as [CallCell, CallCell]
}

test('a call is answered once, and wakes others only when nobody had called yet', () => {
  const [here, there] = calls()
  expect(there.answer(1000)).toBe(false)
  expect([here.ask(1000), here.ask(1001), there.ask(1002)]).toEqual([true, false, false])
  expect([there.answer(1003), here.answer(1003), there.answer(1003)]).toEqual([true, false, false])
  expect(here.ask(1004)).toBe(true)
})

test('a call that nobody answered is over: it is answered no more, and the next one wakes again', () => {
  const [here, there] = calls()
  here.ask(1000)
  expect(there.answer(4000)).toBe(false)
  here.ask(5000)
  expect(here.ask(8000)).toBe(true)
  expect(there.answer(8001)).toBe(true)
})

test.each([0, 2 ** 31 - 1, 2 ** 32 - 1, 2 ** 32])(
  'at %s ms, where 32 bits begin or wrap, it is like at any other time',
  (at) => {
    const [here, there] = calls()
    expect([here.ask(at), here.ask(at + 2), there.answer(at + 4), there.answer(at + 4)]).toEqual([
      true,
      false,
      true,
      false,
    ])
  },
)
