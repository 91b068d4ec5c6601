import type { FromWorker } from '../../../src/core/protocol.ts'
import { FixtureWorker } from './fixture.ts'

/** The last of the workers refuses every even generation. */
class Refusing extends FixtureWorker {
  override prepared(generation: number): FromWorker {
    const { worker, workers } = this.start
    if (worker < workers - 1 || generation % 2 === 1) return super.prepared(generation)
    return { type: 'refused', generation, message: 'even generations are not for me' }
  }
}

new Refusing().run()
