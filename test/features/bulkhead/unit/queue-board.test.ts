import { describe, expect, test } from 'vitest'
import { BOARD_SLOTS, isOverloaded, QueueBoard } from '../../../../src/features/bulkhead/queue-board.ts'

const STRIDE = 16

function boards(workers: number): QueueBoard[] {
  const view = new Int32Array(STRIDE * workers)
  return Array.from({ length: workers }, (_, worker) => new QueueBoard(view, 0, STRIDE, worker))
}

describe('a queue board', () => {
  test('fits its slots', () => expect(BOARD_SLOTS).toBeLessThanOrEqual(STRIDE))

  test('nobody waits, nobody is next', () => {
    const [board] = boards(2) as [QueueBoard]
    expect([board.next(false), board.next(true), board.last(false)]).toEqual([undefined, undefined, undefined])
  })

  test('the longest wait is next, or the shortest; everybody sees the same', () => {
    const all = boards(3)
    all[0]?.publish(2, 2, 500, 900)
    all[1]?.publish(2, 1, 300, 300)
    all[2]?.publish(2, 3, 400, 950)
    for (const board of all) {
      expect(board.next(false)).toEqual({ worker: 1, importance: 2 })
      expect(board.next(true)).toEqual({ worker: 2, importance: 2 })
      expect(board.last(false)).toEqual({ worker: 2, importance: 2 })
    }
  })

  test('the most important is next, the least important last', () => {
    const all = boards(3) as [QueueBoard, QueueBoard, QueueBoard]
    all[0].publish(3, 1, 100, 100)
    all[1].publish(0, 1, 900, 900)
    all[2].publish(1, 1, 200, 200)
    expect(all[0].next(false)).toEqual({ worker: 1, importance: 0 })
    expect(all[0].last(false)).toEqual({ worker: 0, importance: 3 })
    all[1].publish(0, 0, 0, 0)
    expect(all[0].next(true)).toEqual({ worker: 2, importance: 1 })
  })

  test('counts who is less important', () => {
    const [a, b] = boards(2) as [QueueBoard, QueueBoard]
    a.publish(3, 2, 1, 1)
    b.publish(2, 3, 1, 1)
    b.publish(0, 9, 1, 1)
    expect([0, 1, 2, 3].map((importance) => a.below(importance))).toEqual([5, 5, 2, 0])
  })

  test('of two that came at the same time the first worker is next', () => {
    const all = boards(3)
    for (const i of [2, 1]) all[i]?.publish(2, 1, 70, 70)
    expect(all[0]?.next(false)?.worker).toBe(1)
    expect(all[0]?.next(true)?.worker).toBe(1)
  })

  test('time may wrap', () => {
    const [a, b] = boards(2) as [QueueBoard, QueueBoard]
    a.publish(2, 1, 2 ** 31 + 5, 2 ** 31 + 5)
    b.publish(2, 1, 2 ** 31 - 5, 2 ** 31 - 5)
    expect(a.next(false)?.worker).toBe(1)
    expect(a.next(true)?.worker).toBe(0)
  })
})

test('a queue is overloaded once it was not empty for the interval', () => {
  expect(isOverloaded(1000, 1100, 100)).toBe(false)
  expect(isOverloaded(1000, 1101, 100)).toBe(true)
  expect(isOverloaded(1000, 9000, undefined)).toBe(false)
  expect(isOverloaded((2 ** 31 - 50) | 0, 2 ** 31 + 60, 100)).toBe(true)
})
