import { decision } from '../../core/decision.ts'
import type { MetricTable } from '../../core/metric.ts'

export const metrics = {
  sluice_tunnels: { kind: 'gauge', help: 'Open tunnels, WebSockets among them.', labels: ['route'] },
  sluice_tunnels_opened_total: {
    kind: 'counter',
    help: 'Tunnels that were opened, by protocol.',
    labels: ['route', 'protocol'],
  },
  sluice_tunnels_ended_total: {
    kind: 'counter',
    help: 'Tunnels that have ended; by: client, upstream or sluice, which closed first or broke it; reason: that of the failure, - where it was closed in order.',
    labels: ['route', 'by', 'reason'],
  },
} as const satisfies MetricTable

export const decisions = {
  tunnel: decision({
    doc: 'The protocol was changed, and the tunnel has ended.',
    facts: {
      protocol: { type: 'string', doc: 'The protocol.' },
      by: { type: 'string', doc: 'client, upstream or sluice: which closed first, or broke it.' },
      bytesIn: { type: 'number', doc: 'Bytes that came from the client.' },
      bytesOut: { type: 'number', doc: 'Bytes that came from the upstream.' },
    },
    sentence: ({ by, bytesIn, bytesOut, protocol }) =>
      `the tunnel (${protocol}) ends, ${ENDED[by as keyof typeof ENDED]}, after ${bytesIn} bytes from the client and ${bytesOut} from the upstream`,
    event: 'tunnel.ended',
  }),
}

const ENDED = {
  client: 'by the client',
  upstream: 'by the upstream',
  sluice: 'by Sluice',
} as const
