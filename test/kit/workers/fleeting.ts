import { workerData } from 'node:worker_threads'
import type { WorkerStart } from '../../../src/core/protocol.ts'
import { FixtureWorker } from './fixture.ts'

// The ring outlives the thread: its first word says that one has lived before. Only that one works.
if (Atomics.exchange(new Int32Array((workerData as WorkerStart).ring as SharedArrayBuffer), 0, 1) === 1)
  throw new Error('no second life')
new FixtureWorker().run()
