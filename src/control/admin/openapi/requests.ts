import type { JsonSchema } from '../../../schema/schema.ts'
import { refusal } from './errors.ts'
import { HAPPENING } from './happening.ts'
import { eventStream, json, type Operations } from './operation.ts'
import { COUNT, choice, each, NUMBER, orNull, record, ref, said, TEXT, TIME } from './shape.ts'

const SUMMARY = {
  requestId: said('`sluice-request-id` of the answer.', TEXT),
  correlationId: TEXT,
  traceId: TEXT,
  time: said('When its head was complete, RFC 3339.', TIME),
  route: orNull(TEXT, 'none matched'),
  listener: TEXT,
  method: TEXT,
  host: TEXT,
  path: TEXT,
  query: said('Masked as in the access log.', TEXT),
  status: said('What the client got; 499: it had gone.', COUNT),
  reason: orNull(TEXT, 'it did not fail'),
  phase: orNull(TEXT, 'it did not fail'),
  origin: orNull(TEXT, 'it did not fail'),
  durationMs: NUMBER,
  why: orNull(choice('failed', 'slow'), 'neither, it was only tapped'),
  attempts: COUNT,
}

export const REQUEST_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  RequestSummary: record(SUMMARY),
  RequestStory: record({
    ...SUMMARY,
    upstream: orNull(TEXT, 'no attempt was made'),
    timeline: each(ref('Happening')),
  }),
  Happening: HAPPENING,
  Lost: said('So many events were lost before this one, because the reader was too slow.', record({ count: COUNT })),
}

const TOO_MANY = { 503: refusal('So many event streams are open already (`refused`).') }

export const REQUEST_OPERATIONS: Operations = {
  'GET /api/v1/requests': {
    id: 'listRequests',
    tag: 'Requests',
    summary: 'The latest failed and slow requests, without their stories',
    answer: json('The latest first.', record({ requests: each(ref('RequestSummary')) })),
  },
  'GET /api/v1/requests/:id': {
    id: 'getRequest',
    tag: 'Requests',
    summary: 'The stories of the requests with an ID',
    path: { id: 'A request or correlation ID.' },
    answer: json('The latest first.', record({ requests: each(ref('RequestStory')) })),
  },
  'GET /api/v1/tap': {
    id: 'tapRequests',
    tag: 'Requests',
    summary: 'Requests as they end, as server-sent events',
    answer: eventStream('One event `request` each; the last is `end`.', {
      request: ref('RequestSummary'),
      lost: ref('Lost'),
      end: { type: 'object' },
    }),
    others: TOO_MANY,
  },
  'POST /api/v1/explain': {
    id: 'explainRequest',
    tag: 'Requests',
    summary: 'What the live config makes of a request: its route and why no other one, and all that holds for it',
    description: 'It changes nothing, and sends nothing.',
    answer: json('What tends to be secret reads `***`.', ref('Explanation')),
  },
}
