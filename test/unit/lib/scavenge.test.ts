import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { collect } from '../../../src/lib/scavenge.ts'

test('what nothing holds is gone after a collection', async () => {
  const gone = new WeakRef({ of: 'the start' })
  const held = { of: 'what runs' }
  const stays = new WeakRef(held)
  // A WeakRef holds its object until the present job ends.
  await turn()
  collect()
  expect([gone.deref(), stays.deref()]).toEqual([undefined, held])
})
