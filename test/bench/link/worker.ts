import { parentPort } from 'node:worker_threads'
import type { ToWorker } from '../../../src/core/protocol.ts'
import { WorkerLink } from '../../../src/data/link/worker-link.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { TimerWheel } from '../../../src/lib/timers.ts'
import { measure, type Round } from './measure.ts'

/** A worker that asks when it is commanded to, and tells what it measured. */
const link = new WorkerLink({
  post: (message) => parentPort?.postMessage(message),
  clock: systemClock,
  timers: new TimerWheel(systemClock),
  fault: (error) => {
    throw error
  },
})
link.keep(() => {
  link.command<Round>('bench', 'measure', async (round) => {
    await link.ask('bench', { name: 'measured', value: await measure(link, round) }, 1_000).answer
  })
  link.command('bench', 'nothing', () => {})
})
parentPort?.on('message', (message: ToWorker) => link.receive(message))
