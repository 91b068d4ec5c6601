import { type MessagePort, workerData } from 'node:worker_threads'
import { systemClock } from '../../../src/lib/clock.ts'
import { TimerWheel } from '../../../src/lib/timers.ts'
import { peerOver } from '../../kit/link-ports.ts'
import { Deeds, testAnswers } from './answers.ts'
import { BOUNDS } from './bounds.ts'

/** The answering side in a thread of its own. */
const { memory, port } = workerData as { memory: SharedArrayBuffer; port: MessagePort }
const deeds = new Deeds(memory)
peerOver(port, {
  find: testAnswers(systemClock, deeds),
  bounds: BOUNDS,
  clock: systemClock,
  timers: new TimerWheel(systemClock),
  fault: () => deeds.count('faults'),
})
