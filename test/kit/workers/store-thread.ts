import { existsSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../../src/lib/clock.ts'
import type { StoreThreadStart } from '../../../src/stores/sqlite/messages.ts'
import { serveStore } from '../../../src/stores/sqlite/thread.ts'

/**
 * The thread of a store that misbehaves as long as there is a file beside that of the store: `FILE.stalls` lets it stand
 * still, as in a call to a disk; `FILE.dies` ends it, `FILE.throws` makes it throw, both at the next message.
 */
const port = parentPort as NonNullable<typeof parentPort>
const start = workerData as StoreThreadStart
const cell = new Int32Array(new SharedArrayBuffer(4))

port.on('message', () => {
  while (existsSync(`${start.file}.stalls`)) Atomics.wait(cell, 0, 0, 5)
  if (existsSync(`${start.file}.dies`)) process.exit(3)
  if (existsSync(`${start.file}.throws`)) throw new Error('by a test')
})
serveStore(start, port, systemClock, (code) => process.exit(code))
