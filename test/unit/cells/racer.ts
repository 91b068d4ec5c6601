import { parentPort, workerData } from 'node:worker_threads'
import { CellSpace } from '../../../src/cells/space.ts'
import type { RaceStart } from './held.test.ts'

const { page, ref, workers, worker, limit, rounds, witness } = workerData as RaceStart
const space = new CellSpace(workers, worker)
space.add([page])
const cell = space.held(ref)
const words = new Int32Array(witness)
let taken = 0
let most = 0

// Both at once, or the first is done before the second has started.
Atomics.add(words, 1, 1)
while (Atomics.load(words, 1) < 2);

for (let i = 0; i < rounds; i++) {
  if (!cell.takeBelow(limit)) continue
  taken++
  most = Math.max(most, Atomics.add(words, 0, 1) + 1)
  Atomics.sub(words, 0, 1)
  cell.give()
}
parentPort?.postMessage({ taken, most })
