import { STORE_BOUNDS } from '../../src/core/store.ts'
import { StoreClient } from '../../src/stores/calls/client.ts'
import { Hints } from '../../src/stores/calls/hints.ts'
import { MemoryStore } from '../../src/stores/memory/memory-store.ts'
import { ManualClock } from '../kit/clock.ts'
import { describeStore } from './store.ts'

describeStore('memory', async () => {
  const clock = new ManualClock()
  const engine = new MemoryStore({ bytes: 64 * 1_048_576, clock })
  const hints = new Hints(() => {})
  return {
    of: (prefix) => new StoreClient(engine.send, hints, prefix),
    mostKey: STORE_BOUNDS.key,
    mostValue: STORE_BOUNDS.value,
    advance: (ms) => clock.advance(ms),
    close: async () => {},
  }
})
