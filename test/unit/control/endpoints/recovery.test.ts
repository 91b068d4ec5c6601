import { expect, test } from 'vitest'
import { RecoveryWatch } from '../../../../src/control/endpoints/recovery.ts'
import { ManualClock } from '../../../kit/clock.ts'

test('measures from the loss of the last usable endpoint to the first usable one', () => {
  const clock = new ManualClock()
  const usable = new Map([
    ['app', true],
    ['never', false],
  ])
  const recovered: [string, number][] = []
  const watch = new RecoveryWatch({
    clock,
    upstreams: () => usable,
    recovered: (upstream, seconds) => recovered.push([upstream, seconds]),
  })
  clock.advance(1000)
  usable.set('app', false)
  clock.advance(5000)
  usable.set('app', true)
  usable.set('never', true)
  clock.advance(1000)
  expect(recovered).toEqual([['app', 5]])
  usable.set('app', false)
  clock.advance(1000)
  usable.delete('app')
  clock.advance(1000)
  usable.set('app', true)
  clock.advance(1000)
  expect(recovered).toHaveLength(1)
  watch.close()
  expect(clock.timers).toBe(0)
})
