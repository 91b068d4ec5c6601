import type { JsonSchema } from '../../../schema/schema.ts'
import { json, type Operations, type Response } from './operation.ts'
import { COUNT, choice, each, record, ref, TEXT } from './shape.ts'

export const TRAFFIC_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  Breaker: record({ route: TEXT, upstream: TEXT, state: ref('BreakerState') }),
  Endpoint: record({
    upstream: TEXT,
    endpoint: TEXT,
    host: TEXT,
    state: ref('EndpointState'),
    inFlight: COUNT,
    connections: COUNT,
  }),
}

const breakers = (description: string): Response => json(description, record({ breakers: each(ref('Breaker')) }))
const endpoints = (description: string): Response => json(description, record({ endpoints: each(ref('Endpoint')) }))

export const TRAFFIC_OPERATIONS: Operations = {
  'GET /api/v1/breakers': {
    id: 'listBreakers',
    tag: 'Traffic',
    summary: 'Every circuit breaker and its state',
    answer: breakers('One for each route and upstream that has one.'),
  },
  'POST /api/v1/breakers': {
    id: 'forceBreaker',
    tag: 'Traffic',
    summary: 'Forces circuit breakers of a route for a time, or lets them decide again',
    description: '`open` and `closed` need `for`.',
    answer: breakers('Those that were met, as they are now.'),
  },
  'GET /api/v1/endpoints': {
    id: 'listEndpoints',
    tag: 'Traffic',
    summary: 'Every endpoint, with its state, requests in flight and connections',
    answer: endpoints('All endpoints of all upstreams.'),
  },
  'POST /api/v1/endpoints': {
    id: 'drainEndpoint',
    tag: 'Traffic',
    summary: 'Drains an endpoint, or takes it back in',
    answer: endpoints('Those that were met, as they are now.'),
  },
  'POST /api/v1/demo/faults': {
    id: 'setFault',
    tag: 'Traffic',
    summary: 'Breaks endpoints of the demo, or repairs them',
    description: 'Only with `--demo`. It needs `port` or `upstream`.',
    answer: json(
      'What was changed.',
      record({
        changed: each(record({ port: COUNT, fault: choice('none', 'down', 'slow', 'failing', 'breaking') })),
      }),
    ),
  },
}
