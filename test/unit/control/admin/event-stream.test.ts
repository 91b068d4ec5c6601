import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { EventStream } from '../../../../src/control/admin/event-stream.ts'
import { ManualClock } from '../../../kit/clock.ts'

/** Takes what is written when it is told to. */
function reader() {
  let take = (): void => {}
  const out = new Writable({ write: (_chunk, _encoding, done) => (take = done) })
  return { out, take: () => take() }
}

test('a reader that takes nothing for a minute loses its place', () => {
  const clock = new ManualClock()
  const { out } = reader()
  const stream = new EventStream(out, clock)
  stream.send('thing', {})
  clock.advance(59_000)
  expect(out.destroyed).toBe(false)
  clock.advance(1_000)
  expect(out.destroyed).toBe(true)
})

test('one that takes what there is keeps it', async () => {
  const clock = new ManualClock()
  const { out, take } = reader()
  const stream = new EventStream(out, clock)
  for (let i = 0; i < 20; i++) {
    stream.send('thing', {})
    clock.advance(40_000)
    while (out.writableLength > 0) {
      take()
      await new Promise(setImmediate)
    }
  }
  expect(out.destroyed).toBe(false)
  stream.stop()
})
