import { expect, test } from 'vitest'
import { storyOf } from '../../../src/cli/why-text.ts'
import type { Flight } from '../../../src/core/flight.ts'

const FLIGHT: Flight = {
  requestId: '0190aaaa-0000-7000-8000-000000000001',
  correlationId: 'c',
  traceId: 't',
  time: '2026-01-01T00:00:00.000Z',
  route: 'closed',
  listener: 'web',
  method: 'GET',
  host: 'a.test',
  path: '/',
  query: '',
  status: 503,
  reason: null,
  phase: null,
  origin: null,
  durationMs: 1,
  why: 'failed',
  attempts: 0,
  upstream: null,
  timeline: [],
}

test('a failure without a reason is of the upstream, or of the route that answers itself', () => {
  expect(storyOf(FLIGHT)).toContain('The route itself answers with 503.')
  expect(storyOf({ ...FLIGHT, attempts: 1 })).toContain('The upstream itself answered with 503; Sluice passed it on.')
  expect(storyOf({ ...FLIGHT, status: 200, why: 'slow' })).not.toContain('itself')
})
