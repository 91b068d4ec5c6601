import type { Flight } from '../../src/core/flight.ts'

let second = 0

/** A failed request; each ends a second after the one before. */
export function flight(requestId: string, facts: Partial<Flight> = {}): Flight {
  const time = new Date(Date.UTC(2026, 0, 1) + 1000 * second++).toISOString()
  return {
    requestId,
    correlationId: `c-${requestId}`,
    traceId: '',
    time,
    route: 'orders',
    listener: 'web',
    method: 'GET',
    host: 'a.test',
    path: '/',
    query: '',
    status: 502,
    reason: 'upstream_reset',
    phase: 'headers',
    origin: 'upstream',
    durationMs: 5,
    why: 'failed',
    attempts: 1,
    upstream: 'orders',
    timeline: [{ atMs: 0, kind: 'received', protocol: 'HTTP/1.1', client: '::1', text: 'received' }],
    ...facts,
  }
}
