import { expect, test } from 'vitest'
import { Slots } from '../../../src/lib/slots.ts'

test('so many run at once; the others wait in order, and may leave', () => {
  const slots = new Slots(2)
  const ran: string[] = []
  const job = (name: string) => () => void ran.push(name)
  const [a, , leaveC] = ['a', 'b', 'c', 'd', 'e'].map((name) => slots.take(job(name)))
  expect([ran.splice(0), slots.waiting]).toEqual([['a', 'b'], 3])
  expect([a?.(), leaveC?.(), leaveC?.()]).toEqual([false, true, false])
  slots.give()
  expect(ran.splice(0)).toEqual(['d'])
  for (let i = 0; i < 3; i++) slots.give()
  expect([ran.splice(0), slots.waiting]).toEqual([['e'], 0])
  for (const name of ['f', 'g', 'h']) slots.take(job(name))
  expect(ran).toEqual(['f', 'g'])
})
