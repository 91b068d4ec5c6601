import type { AnyFeature } from '../../../core/feature.ts'
import type { Operation } from '../../../core/operation.ts'
import { COUNT, choice, each, FLAG, NUMBER, orNull, record, ref, said, TEXT, TIME } from '../../../schema/shape.ts'
import { type FlightLog, LISTING } from './flight-log.ts'
import { happeningSchema } from './happening.ts'
import { TAPPING, type Taps } from './taps.ts'

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
  status: said('Status that the client got; 499: the client had gone.', COUNT),
  reason: orNull(TEXT, 'it did not fail'),
  phase: orNull(TEXT, 'it did not fail'),
  origin: orNull(TEXT, 'it did not fail'),
  durationMs: NUMBER,
  why: orNull(choice('failed', 'slow'), 'only tapped'),
  attempts: COUNT,
}

const RECORDED = {
  process: said(
    'Which process of this gateway recorded it.',
    record({ pid: COUNT, startedAt: TIME, current: said('false: an earlier one, before a restart.', FLAG) }),
  ),
}

const SCHEMAS = {
  RequestSummary: record(SUMMARY),
  KeptRequest: record({ ...SUMMARY, ...RECORDED }),
  RequestStory: record({
    ...SUMMARY,
    ...RECORDED,
    upstream: orNull(TEXT, 'no attempt was made'),
    timeline: each(ref('Happening')),
  }),
}

export function flightOperations(
  flights: FlightLog,
  taps: Taps,
  features: readonly AnyFeature[],
): readonly Operation[] {
  const schemas = { ...SCHEMAS, Happening: happeningSchema(features) }
  return [
    {
      kind: 'view',
      path: 'requests',
      takes: { query: LISTING },
      says: {
        id: 'listRequests',
        tag: 'Requests',
        summary: 'The latest failed and slow requests, without their stories',
        answer: { description: 'The latest first.', schema: record({ requests: each(ref('KeptRequest')) }) },
        schemas,
      },
      read: (asked) => flights.list(asked),
    },
    {
      kind: 'view',
      path: 'requests/:id',
      says: {
        id: 'getRequest',
        tag: 'Requests',
        summary: 'The stories of the requests with an ID',
        params: { id: 'A request or correlation ID.' },
        answer: { description: 'The latest first.', schema: record({ requests: each(ref('RequestStory')) }) },
        schemas,
      },
      read: (asked) => flights.find(asked),
    },
    {
      kind: 'events',
      path: 'tap',
      needs: 'operator',
      takes: { query: TAPPING },
      says: {
        id: 'tapRequests',
        tag: 'Requests',
        summary: 'Requests as they end, as server-sent events',
        answer: {
          description: 'One event `request` each; the last is `end`.',
          events: { request: ref('RequestSummary') },
        },
        schemas,
      },
      open: (asked) => taps.open(asked),
    },
  ]
}
