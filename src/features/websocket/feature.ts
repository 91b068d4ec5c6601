import { defineFeature } from '../../core/feature.ts'
import { keys } from './keys.ts'
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
    frames: { stage: 98, why: 'It asks and refuses nothing: what it sees begins behind the answer of the upstream.' },
  },
  metrics,
  decisions,
  lints: () => import('./lints.ts'),
  compile: (options, context) => ({
    ...(options.origins && { origin: new OriginCheck(context.feature, options.origins) }),
    frames: new FrameWatch(context.feature, new Watch(options, context)),
  }),
})
