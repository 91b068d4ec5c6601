import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../lib/clock.ts'
import type { StoreThreadStart } from './messages.ts'
import { serveStore } from './thread.ts'

if (parentPort === null) throw new Error('this is the entry of a thread')
serveStore(workerData as StoreThreadStart, parentPort, systemClock, (code) => process.exit(code))
