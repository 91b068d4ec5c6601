import { expect, test } from 'vitest'
import { CellRegistry } from '../../../../src/control/registry/registry.ts'
import { processLoad, type WatchedSlot } from '../../../../src/control/workers/process-load.ts'

const REST = { memory: () => 0.5, sockets: () => 0.25 }

test('a thread serves, stalled or not, from when it was started; its next beat is due 250 ms after the one before', () => {
  const registry = new CellRegistry(1)
  const lease = registry.lease()
  const slot = { pressure: lease.pressure(0), heartbeat: lease.heartbeat(0), startedAt: 70, state: 'starting' }
  const load = processLoad([slot as WatchedSlot], registry, REST)
  const since = (state: WatchedSlot['state']): number | undefined => {
    slot.state = state
    return load.workers[0]?.servingSince
  }
  expect([since('starting'), since('waiting'), since('ending')]).toEqual([undefined, undefined, undefined])
  expect([since('serving'), since('stalled')]).toEqual([70, 70])
  registry.write(slot.heartbeat, 1_000)
  expect([load.workers[0]?.overdue(1_100), load.workers[0]?.overdue(2_000)]).toEqual([-150, 750])
  expect([load.memory(), load.sockets()]).toEqual([0.5, 0.25])
})
