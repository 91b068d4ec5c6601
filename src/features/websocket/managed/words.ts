import { decision } from '../../../core/decision.ts'
import type { MetricTable } from '../../../core/metric.ts'
import type { Loss } from './reconnecting.ts'

export const managedMetrics = {
  sluice_websocket_reconnects_total: {
    kind: 'counter',
    help: 'Upstream connections of managed WebSockets that were lost, by what became of that: replaced; given_up (the client got Close 1012). failed: an attempt in between that came to nothing.',
    labels: ['route', 'outcome'],
  },
  sluice_websocket_reconnecting: {
    kind: 'gauge',
    help: 'Managed WebSockets whose clients wait for another upstream connection.',
    labels: ['route'],
  },
} as const satisfies MetricTable

const HOW: Readonly<Record<Exclude<Loss['how'], 'closed'>, string>> = {
  ended: 'it ended without a Close',
  reset: 'it was reset',
  silent: 'it did not answer a ping',
  fault: 'it sent what is no WebSocket',
}

/** Why an upstream connection was lost. */
export function lossText({ code, how }: Loss): string {
  return how === 'closed' ? `it closed with ${code}` : HOW[how]
}

export const managedDecisions = {
  upstreamReplaced: decision({
    doc: 'The upstream connection of a managed WebSocket was replaced.',
    facts: {
      times: { type: 'number', doc: 'How often that has happened to this WebSocket.' },
      because: { type: 'string', doc: 'How the one before it was lost.' },
      ms: { type: 'number', doc: 'Milliseconds without an upstream connection.' },
    },
    sentence: ({ because, ms, times }) =>
      `replacement ${times} of the upstream's connection, after ${Math.round(ms)} ms, because ${because}`,
    event: 'websocket.replaced',
  }),
  upstreamNotReplaced: decision({
    doc: 'The upstream connection of a managed WebSocket was lost, and no other took its place in time.',
    facts: {
      attempts: { type: 'number', doc: 'Attempts in a row.' },
      because: { type: 'string', doc: 'How the connection was lost.' },
      ms: { type: 'number', doc: 'Milliseconds since then.' },
    },
    sentence: ({ attempts, because, ms }) =>
      `the upstream's connection was lost, because ${because}, and not replaced by ${attempts} attempts in ${Math.round(ms)} ms`,
    event: 'websocket.not_replaced',
  }),
}
