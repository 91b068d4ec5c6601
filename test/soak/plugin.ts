import { threadId } from 'node:worker_threads'
import { defineFeature, object } from 'sluice'

/** A plug-in of the gateway under soak: what its workers hold, and the end of one of them, by paths. */
export default defineFeature({
  name: 'soak',
  doc: 'Shows the memory of a worker, and ends it.',
  keys: { route: object({}) },
  places: { ask: { stage: 30, why: 'Nothing is spent on it before.' } },
  compile: (_, { feature }) => ({
    ask: {
      name: feature,
      admit(ex) {
        // As a fault of V8 would: nothing is told before.
        if (ex.path.endsWith('/end')) process.exit(1)
        const { external, heapUsed } = process.memoryUsage()
        const body = Buffer.from(JSON.stringify({ worker: threadId, heapUsed, external }))
        return { status: 200, headers: ['content-length', String(body.length)], body }
      },
    },
  }),
})
