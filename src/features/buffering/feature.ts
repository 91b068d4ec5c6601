import { defineFeature } from '../../core/feature.ts'
import { object, withDefault } from '../../schema/composites.ts'
import { oneOf } from '../../schema/scalars.ts'

const keys = object({
  request: withDefault(
    oneOf('on', 'off'),
    'on',
    'on: a body of up to 64 KiB is read before an attempt begins; of a longer or chunked one, up to 64 KiB, as long as its bytes come within 100 ms of each other. off: an attempt begins with the head.',
  ),
})

/** Keeps what slow clients send and read in the memory of the gateway, within bounds. Streams and upgrades never wait. */
export const buffering = defineFeature({
  name: 'buffering',
  doc: 'Keeps the bodies of slow clients in memory, so that they hold no connection to an upstream and no permit.',
  keys: { route: keys },
  byDefault: true,
  places: { gate: { stage: 99, why: 'An upload that has not come yet needs no permit.' } },
  plan: ({ request }) => ({ buffers: { request: request === 'on', response: false } }),
})
