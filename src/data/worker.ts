import { parentPort, workerData } from 'node:worker_threads'
import type { FromWorker, ToWorker, WorkerStart } from '../core/protocol.ts'
import { FEATURES } from '../features/index.ts'
import { systemClock } from '../lib/clock.ts'
import { EventClock } from '../lib/event-clock.ts'
import { systemRandom } from '../lib/random.ts'
import { PluginLoader } from '../plugins/load.ts'
import { DataWorker } from './data-worker.ts'

/** The entry of a worker's thread. */
if (parentPort !== null) {
  const port = parentPort
  const start = workerData as WorkerStart
  const post = (message: FromWorker): void => port.postMessage(message)
  const worker = new DataWorker(start, {
    clock: new EventClock(systemClock),
    random: systemRandom(),
    features: await new PluginLoader(FEATURES, systemClock).features(start.plugins),
    post,
    exit: (code) => process.exit(code),
  })
  process.on('uncaughtException', (error) => worker.crash(error))
  port.on('message', (message: ToWorker) => worker.receive(message))
  post({ type: 'ready' })
}
