import { block, HELD } from '../../cells/shape.ts'
import { defineFeature } from '../../core/feature.ts'
import { keys } from './keys.ts'
import { MANAGED_PLACE, ManagedWebSockets } from './managed-policy.ts'
import { FrameWatch, OriginCheck } from './policy.ts'
import { Watch } from './watch.ts'
import { decisions, metrics } from './words.ts'

/** What Sluice does with a WebSocket besides passing its bytes on. */
export const websocket = defineFeature({
  name: 'websocket',
  doc: 'How the route’s WebSockets are watched and closed. off: they are plain tunnels.',
  keys: { route: keys },
  byDefault: true,
  places: {
    origin: {
      stage: 70,
      why: 'Whether a request opens a WebSocket is known by now, and no upstream hears of one that may not.',
    },
    [MANAGED_PLACE]: {
      stage: 72,
      why: 'It changes what upstreams are asked for, and what it asks them again passes the limits further in.',
    },
    frames: { stage: 98, why: 'It asks and refuses nothing: what it sees begins behind the answer of the upstream.' },
  },
  cells: ({ options }) => (options.managed === undefined ? undefined : block({ reconnecting: HELD })),
  metrics,
  figures: {
    reconnecting: {
      doc: 'Managed WebSockets whose clients wait for another upstream connection.',
      metric: 'sluice_websocket_reconnecting',
      otherwise: null,
      of: (_use, cells, look) => cells && look.sum(cells.reconnecting),
    },
  },
  decisions,
  lints: () => import('./lints.ts'),
  compile: (options, context) => {
    const { managed, origins } = options
    const watch = new Watch(options, context)
    return {
      ...(origins && { origin: new OriginCheck(context.feature, origins) }),
      ...(managed
        ? { [MANAGED_PLACE]: new ManagedWebSockets(managed, options, watch, context) }
        : { frames: new FrameWatch(context.feature, watch) }),
    }
  },
})
