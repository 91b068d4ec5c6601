import { describe, expect, test } from 'vitest'
import { within } from '../../../src/lib/within.ts'
import { ManualClock } from '../../kit/clock.ts'

const LATE = (): 'late' => 'late'

describe('work with a bound in time', () => {
  test('that ends before it gives what it came to, or its error, and leaves no timer', async () => {
    const clock = new ManualClock()
    expect(await within(clock, 100, Promise.resolve('done'), LATE)).toBe('done')
    await expect(within(clock, 100, Promise.reject(new Error('broken')), LATE)).rejects.toThrow('broken')
    expect(clock.timers).toBe(0)
  })

  test('that does not is left to itself: it may still fail, and nobody hears of it', async () => {
    const clock = new ManualClock()
    const work = Promise.withResolvers<string>()
    const bounded = within(clock, 100, work.promise, LATE)
    clock.advance(99)
    expect(clock.timers).toBe(1)
    clock.advance(1)
    expect(await bounded).toBe('late')
    work.reject(new Error('much later'))
    await Promise.resolve()
  })

  test('may be an error when it is late', async () => {
    const clock = new ManualClock()
    const bounded = within(clock, 100, new Promise<string>(() => {}), () => {
      throw new Error('no answer within 100 ms')
    })
    clock.advance(100)
    await expect(bounded).rejects.toThrow('no answer within 100 ms')
  })
})
