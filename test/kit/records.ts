import type { AttemptRecord, RequestRecord } from '../../src/core/spans.ts'

const ATTEMPT: AttemptRecord = {
  spanId: '00f067aa0ba902b8',
  number: 1,
  beside: false,
  upstream: 'orders',
  endpoint: 'http://10.0.0.1:8080',
  startedAt: 1_767_225_600_001,
  endedAt: 1_767_225_600_009,
  headMs: 7,
  status: 200,
  outcome: 'ok',
  reason: undefined,
  reused: true,
}

/** What a worker tells of one request with one attempt. */
export function requestRecord(over: Partial<RequestRecord> = {}, attempt: Partial<AttemptRecord> = {}): RequestRecord {
  return {
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    spanId: '00f067aa0ba902b7',
    parentId: '',
    state: undefined,
    sampled: true,
    startedAt: 1_767_225_600_000,
    endedAt: 1_767_225_600_010,
    requestId: '017f22e2-79b0-7cc3-98c4-dc0c0c07398f',
    correlationId: 'c-1',
    gateway: 'edge',
    side: undefined,
    listener: 'web',
    secure: false,
    protocol: 'HTTP/1.1',
    method: 'GET',
    path: '/orders/1',
    host: 'api.example.com',
    localPort: 8080,
    client: '192.0.2.1',
    peer: '192.0.2.1',
    peerPort: 50_000,
    userAgent: undefined,
    route: 'orders',
    pattern: '/orders/{id}',
    status: 200,
    failure: undefined,
    degraded: undefined,
    events: [],
    attempts: [{ ...ATTEMPT, ...attempt }],
    ...over,
  }
}
