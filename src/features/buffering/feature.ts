import { defineFeature } from '../../core/feature.ts'
import { object, withDefault } from '../../schema/composites.ts'
import { oneOf } from '../../schema/scalars.ts'

const keys = object({
  request: withDefault(
    oneOf('on', 'off'),
    'on',
    'on: a body of up to 64 KiB is read before an attempt begins; of a longer or chunked one, up to 64 KiB, as long as its bytes come within 100 ms of each other. off: an attempt begins with the head.',
  ),
  response: withDefault(
    oneOf('on', 'off'),
    'on',
    'on: what the client does not take of an answer is kept, up to 256 KiB, so that its upstream is through with it sooner. off: the upstream waits. Event streams are never kept, nor an answer with x-accel-buffering: no.',
  ),
})

/** Keeps what slow clients send and read in the memory of the gateway, within bounds. Streams and upgrades never wait. */
export const buffering = defineFeature({
  name: 'buffering',
  doc: 'Keeps the bodies of slow clients in memory, so that they hold no connection to an upstream and no permit.',
  keys: { route: keys },
  byDefault: true,
  places: { gate: { stage: 99, why: 'An upload that has not come yet needs no permit.' } },
  metrics: {
    sluice_buffer_pauses_total: {
      kind: 'counter',
      help: 'How often an upstream had to wait with an answer because its client was slow and the gateway kept as much of it as it may.',
      labels: ['upstream'],
    },
  },
  plan: ({ request, response }, { metrics }) => ({
    buffers: {
      request: request === 'on',
      response: response === 'on',
      onPaused: (upstream) => metrics.counter('sluice_buffer_pauses_total', [upstream]).inc(),
    },
  }),
})
