import { expect, test } from 'vitest'
import { Forgetting } from '../../../../../src/control/seeing/metrics/forgetting.ts'
import { ManualClock } from '../../../../kit/clock.ts'

test('five minutes after it left, unless it came back; closing leaves no timer', () => {
  const clock = new ManualClock()
  const forgotten: string[] = []
  const forgetting = new Forgetting(clock, (id) => forgotten.push(id))
  forgetting.left('a')
  forgetting.left('b')
  clock.advance(200_000)
  forgetting.back('b')
  forgetting.left('a')
  clock.advance(299_999)
  expect(forgotten).toEqual([])
  clock.advance(1)
  expect(forgotten).toEqual(['a'])
  forgetting.left('c')
  forgetting.close()
  expect(clock.timers).toBe(0)
})
