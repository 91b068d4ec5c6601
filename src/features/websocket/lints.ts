import type { Lint, LintRoute } from '../../config/judge/contract.ts'
import type { Finding } from '../../core/lint.ts'
import type { Path } from '../../schema/path.ts'
import { durationText } from '../../schema/scalars.ts'
import { websocket } from './feature.ts'

const UPSTREAM = `upstreams:
  chat:
    endpoints: [ http://10.0.0.1:8080 ]
`

const webSocketEndsBefore: Lint = {
  name: 'websocket-ends-before',
  finds: 'A `websocket.ping` or `websocket.idle` that comes too late: a silent WebSocket is ended before.',
  why: '`timeouts.stream` ends a WebSocket on which no byte moves, and `websocket.idle` one without messages. A Ping that would come later keeps nothing open, and a longer `idle` acts only where the sides send Pings of their own.',
  remedy:
    'Make `websocket.ping` shorter than `timeouts.stream` and `websocket.idle`. With Pings `idle` may be longer than `timeouts.stream`.',
  example: `${UPSTREAM}routes:
  chat:
    match: { path: /chat }
    to: chat
    websocket: { ping: 10m }
`,
  better: `${UPSTREAM}routes:
  chat:
    match: { path: /chat }
    to: chat
    websocket: { ping: 30s }
`,
  run: ({ routes, written }) => routes.flatMap(inRoute).filter(({ path }) => written(path)),
}

const maxFrameOfManaged: Lint = {
  name: 'max-frame-of-managed',
  finds: '`websocket.maxFrame` beside `websocket.managed`.',
  why: 'Frames of managed WebSockets end at Sluice, which passes whole messages on: `maxFrame` has no effect there.',
  remedy: 'Bound messages by `websocket.managed.maxMessage`, and remove `maxFrame`.',
  example: `${UPSTREAM}routes:
  chat:
    match: { path: /chat }
    to: chat
    websocket: { maxFrame: 64KiB, managed: {} }
`,
  better: `${UPSTREAM}routes:
  chat:
    match: { path: /chat }
    to: chat
    websocket: { managed: { maxMessage: 64KiB } }
`,
  run: ({ routes, written }) =>
    routes
      .filter(({ options }) => options.features.of(websocket)?.managed !== undefined)
      .map(({ name }) => ({
        path: ['routes', name, 'websocket', 'maxFrame'],
        message: 'has no effect beside `managed`, where `managed.maxMessage` bounds whole messages',
      }))
      .filter(({ path }) => written(path)),
}

function inRoute({ name, options, plan }: LintRoute): readonly Finding[] {
  const own = options.features.of(websocket)
  if (own === undefined || options.to === undefined) return []
  const { idle, ping } = own
  const stream = plan.limit?.stream
  const at = (key: string): Path => ['routes', name, 'websocket', key]
  if (ping !== undefined && stream !== undefined && ping >= stream)
    return [
      {
        path: at('ping'),
        message: `comes too late: timeouts.stream (${durationText(stream)}) ends a silent WebSocket before`,
      },
    ]
  if (ping !== undefined && idle !== undefined && ping >= idle)
    return [
      {
        path: at('ping'),
        message: `comes too late: websocket.idle (${durationText(idle)}) closes a silent WebSocket before`,
      },
    ]
  if (ping === undefined && idle !== undefined && stream !== undefined && idle >= stream)
    return [
      {
        path: at('idle'),
        message: `comes too late: timeouts.stream (${durationText(stream)}) ends a silent WebSocket before; set ping, too, or raise timeouts.stream`,
      },
    ]
  return []
}

export const lints: readonly Lint[] = [webSocketEndsBefore, maxFrameOfManaged]
