import type { FromWorker } from '../../../src/core/protocol.ts'
import { FixtureWorker } from './fixture.ts'

/** The last of the workers blocks when it should prepare generation 2. */
class Silent extends FixtureWorker {
  override prepared(generation: number): FromWorker {
    if (this.start.worker === this.start.workers - 1 && generation === 2) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000)
    }
    return super.prepared(generation)
  }
}

new Silent().run()
