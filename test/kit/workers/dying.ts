import type { FromWorker } from '../../../src/core/protocol.ts'
import { FixtureWorker } from './fixture.ts'

/** The last of the workers ends while it prepares generation 2; its successor does not. */
class Dying extends FixtureWorker {
  override prepared(generation: number): FromWorker {
    const { ring, worker, workers } = this.start
    // The ring outlives the thread: its first word says that one has died before.
    if (
      worker === workers - 1 &&
      generation === 2 &&
      Atomics.exchange(new Int32Array(ring as SharedArrayBuffer), 0, 1) === 0
    )
      process.exit(1)
    return super.prepared(generation)
  }
}

new Dying().run()
