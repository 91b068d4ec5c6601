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
