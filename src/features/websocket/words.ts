import { decision } from '../../core/decision.ts'
import type { MetricTable } from '../../core/metric.ts'
import { managedDecisions, managedMetrics } from './managed/words.ts'

export const metrics = {
  ...managedMetrics,
  sluice_websocket_frames_total: {
    kind: 'counter',
    help: 'Frames of WebSockets, by the side that sent them. A message is one frame of kind text or binary, and what continues it.',
    labels: ['route', 'from', 'kind'],
  },
  sluice_websocket_payload_bytes_total: {
    kind: 'counter',
    help: 'Payload of these frames as it was sent, compressed or not.',
    labels: ['route', 'from', 'kind'],
  },
  sluice_websocket_closes_total: {
    kind: 'counter',
    help: 'WebSockets that ended, by who closed first, with which code. 1005: a Close without a code; 1006: no Close; 3xxx, 4xxx and other stand for all such codes.',
    labels: ['route', 'by', 'code'],
  },
  sluice_websocket_pings_total: {
    kind: 'counter',
    help: 'Pings that Sluice sent to sides of WebSockets that were silent.',
    labels: ['route', 'to'],
  },
} as const satisfies MetricTable

/** Why Sluice closes a WebSocket. */
const WHY = {
  drain: 'the gateway, or the worker that had it, is ending',
  reload: 'its route was changed or removed',
  idle: 'no message came for the time of `websocket.idle`',
  client_silent: 'the client did not answer a ping',
  upstream_silent: 'the upstream did not answer a ping',
  frame_from_client: 'a frame of the client was larger than `websocket.maxFrame`',
  frame_from_upstream: 'a frame of the upstream was larger than `websocket.maxFrame`',
  client_fault: 'the client sent what is no WebSocket',
  message_from_client: 'a message of the client was larger than `websocket.managed.maxMessage`',
  message_from_upstream: 'a message of the upstream was larger than `websocket.managed.maxMessage`',
  no_upstream: 'no other upstream connection took the place of the one that was lost',
} as const

export type ClosedFor = keyof typeof WHY

export const decisions = {
  ...managedDecisions,
  webSocketClosed: decision({
    doc: 'Sluice closed a WebSocket.',
    facts: {
      code: { type: 'number', doc: 'Of the Close that both sides got.' },
      why: { type: 'string', doc: `One of ${Object.keys(WHY).join(', ')}.` },
    },
    sentence: ({ code, why }) => `Sluice closed the WebSocket with ${code}: ${WHY[why as ClosedFor] ?? why}`,
    event: 'websocket.close',
  }),
}
