import { expect, test } from 'vitest'
import { EventClock } from '../../../src/lib/event-clock.ts'
import { ManualClock } from '../../kit/clock.ts'

test('time stands still while an event is handled, and then goes on', () => {
  const machine = new ManualClock()
  const clock = new EventClock(machine)
  const [began, day] = [machine.now(), machine.wall()]
  expect(clock.begin()).toBe(true)
  machine.advance(50)
  expect(clock.now()).toBe(began)
  // Nothing had asked for it.
  expect(clock.wall()).toBe(day + 50)
  machine.advance(50)
  expect(clock.wall()).toBe(day + 50)
  clock.end()
  expect(clock.now()).toBe(began + 100)
  expect(clock.wall()).toBe(day + 100)
})

test('an event within another one leaves it to that to let time go on', () => {
  const machine = new ManualClock()
  const clock = new EventClock(machine)
  const began = machine.now()
  expect(clock.begin()).toBe(true)
  machine.advance(10)
  expect(clock.begin()).toBe(false)
  expect(clock.now()).toBe(began)
})

test('calls are due by the time that goes on', () => {
  const machine = new ManualClock()
  const clock = new EventClock(machine)
  const called: string[] = []
  clock.after(10, () => void called.push('kept'))
  const dropped = clock.after(10, () => void called.push('dropped'))
  clock.cancel(dropped)
  machine.advance(10)
  expect(called).toEqual(['kept'])
})

test('what follows an event is told at its end, in order, while time still stands', () => {
  const machine = new ManualClock()
  const clock = new EventClock(machine)
  const told: string[] = []
  const last = { onTurn: () => void told.push(`last at ${clock.now() - began}`) }
  const first = {
    onTurn: () => {
      told.push('first')
      expect(clock.follow(last)).toBe(true)
    },
  }
  const began = machine.now()
  expect(clock.follow(first)).toBe(false)
  clock.begin()
  machine.advance(10)
  clock.follow(first)
  clock.follow({ onTurn: () => void told.push('second') })
  expect(told).toEqual([])
  clock.end()
  expect(told).toEqual(['first', 'second', 'last at 0'])
  expect(clock.now()).toBe(began + 10)
  clock.begin()
  clock.end()
  expect(told).toHaveLength(3)
})

test('a follower that throws stops neither time nor those of later events', () => {
  const clock = new EventClock(new ManualClock())
  const told: string[] = []
  clock.begin()
  clock.follow({
    onTurn: () => {
      throw new Error('broken')
    },
  })
  expect(() => clock.end()).toThrow('broken')
  expect(clock.begin()).toBe(true)
  clock.follow({ onTurn: () => void told.push('later') })
  clock.end()
  expect(told).toEqual(['later'])
})
