import { block, HELD, WORD } from '../../cells/shape.ts'
import { defineFeature } from '../../core/feature.ts'
import { object, withDefault } from '../../schema/composites.ts'
import { integer, oneOf } from '../../schema/scalars.ts'
import { Streams } from './policy.ts'

const keys = object({
  max: withDefault(
    integer(1, 10_000_000),
    10_000,
    'Maximum open streams, across all workers. Further streams get 503 streams_full.',
  ),
  mode: withDefault(
    oneOf('enforce', 'shadow'),
    'enforce',
    'enforce: further streams are refused. shadow: refusals are only counted.',
  ),
})

/** Bounds open streams. They last, so they are counted separately from requests: see `Policy.stream`. */
export const streams = defineFeature({
  name: 'streams',
  doc: 'Bounds the open streams of the route (server-sent events, WebSockets and other tunnels); they need no permit of the bulkhead.',
  keys: { route: keys },
  byDefault: true,
  places: {
    stream: {
      stage: 99,
      why: 'A stream must be let in here before the bulkhead gives up the permit that counted it so far.',
    },
  },
  cells: () => block({ open: HELD, call: WORD }),
  metrics: {
    sluice_streams: {
      kind: 'gauge',
      help: 'Open streams: server-sent events, WebSockets and other tunnels.',
      labels: ['route'],
    },
  },
  figures: {
    streams: {
      doc: 'Open streams.',
      metric: 'sluice_streams',
      otherwise: 0,
      of: (_use, { open }, look) => look.sum(open),
    },
  },
  compile: (options, context) => ({ stream: new Streams(options, context) }),
})
