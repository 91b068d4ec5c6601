import { expect, test } from 'vitest'
import { type RecordedFlight, storyOf } from '../../../src/cli/why-text.ts'

const FLIGHT: RecordedFlight = {
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
  process: { pid: 7, startedAt: '2025-12-31T00:00:00.000Z', current: true },
}

test('a failure without a reason is of the upstream, or of the route that answers itself', () => {
  expect(storyOf(FLIGHT)).toContain('The route itself answers with 503.')
  expect(storyOf({ ...FLIGHT, attempts: 1 })).toContain('The upstream itself answered with 503; Sluice passed it on.')
  expect(storyOf({ ...FLIGHT, status: 200, why: 'slow' })).not.toContain('itself')
})

test('which process recorded it is told of an earlier one only', () => {
  expect(storyOf(FLIGHT)).not.toContain('recorded by')
  expect(storyOf({ ...FLIGHT, process: { ...FLIGHT.process, current: false } })).toContain(
    '\n  recorded by an earlier process, 7, which was started at 2025-12-31T00:00:00.000Z\n',
  )
})
