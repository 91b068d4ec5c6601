/** A process with two rings and a log thread, driven by its arguments: how many lines a ring, and who dies. */

import { createRing, RingWriter, ringDropped } from '../../src/cells/ring.ts'
import { startLogThread } from '../../src/control/seeing/log/log-thread.ts'

const lines = Number(process.argv[2])
const rings = [createRing(), createRing()]
const thread = startLogThread(rings)
const writers = rings.map((ring) => new RingWriter(ring))
const padding = 'x'.repeat(200)
let accepted = 0

for (let n = 0; n < lines; n++) {
  writers.forEach((writer, ring) => {
    if (writer.write(`${JSON.stringify({ ring, n, padding })}\n`)) accepted++
  })
  if (n % 500 === 499) await new Promise((resolve) => setTimeout(resolve, 5))
}
await thread.stop()
const dropped = rings.map(ringDropped).reduce((sum, n) => sum + n, 0)
process.stderr.write(`${JSON.stringify({ accepted, dropped })}\n`)
