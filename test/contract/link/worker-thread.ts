import { parentPort } from 'node:worker_threads'
import type { ToWorker } from '../../../src/core/protocol.ts'
import { WorkerLink } from '../../../src/data/link/worker-link.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { TimerWheel } from '../../../src/lib/timers.ts'
import { toyWorker } from './toy-worker.ts'

/** The worker of the suite in a thread of its own. */
const link = new WorkerLink({
  post: (message) => parentPort?.postMessage(message),
  clock: systemClock,
  timers: new TimerWheel(systemClock),
  fault: () => {},
})
toyWorker(link)
parentPort?.on('message', (message: ToWorker) => link.receive(message))
