import { describe, expect, test } from 'vitest'
import { FlightLog } from '../../../../../src/control/seeing/flights/flight-log.ts'
import { BadCommand, NotFound } from '../../../../../src/core/command.ts'
import { flight } from '../../../../kit/flight.ts'

const PROCESS = { pid: 7, startedAt: '2026-01-01T00:00:00.000Z' }

function flightLog(entries: number): FlightLog {
  return new FlightLog({ entries: () => entries, process: PROCESS, keeper: undefined })
}

const ids = (log: FlightLog, query: Record<string, string> = {}): string[] =>
  log.list({ params: {}, query }).requests.map(({ requestId }) => requestId)

describe('the list', () => {
  test('is the latest first, without stories, and bounded', () => {
    const log = flightLog(3)
    log.take(['a', 'b'].map((id) => flight(id)))
    log.take(['c', 'd'].map((id) => flight(id)))
    expect(ids(log)).toEqual(['d', 'c', 'b'])
    expect(ids(log, { limit: '1' })).toEqual(['d'])
    expect(log.list({ params: {}, query: {} }).requests[0]).not.toHaveProperty('timeline')
  })

  test('filters', () => {
    const log = flightLog(10)
    log.take([
      flight('a', { route: 'carts', status: 500, reason: null }),
      flight('b', { method: 'POST', status: 503 }),
      flight('c', { route: null, status: 404, reason: 'no_route', origin: 'client' }),
      flight('d', { status: 200, reason: null, why: 'slow' }),
    ])
    expect(ids(log, { route: 'carts' })).toEqual(['a'])
    expect(ids(log, { route: '-' })).toEqual(['c'])
    expect(ids(log, { status: '5xx' })).toEqual(['b', 'a'])
    expect(ids(log, { status: '404' })).toEqual(['c'])
    expect(ids(log, { method: 'POST' })).toEqual(['b'])
    expect(ids(log, { reason: 'no_route' })).toEqual(['c'])
    expect(ids(log, { why: 'slow' })).toEqual(['d'])
    expect(() => ids(log, { status: '6xx' })).toThrow(BadCommand)
    expect(() => ids(log, { limit: '0' })).toThrow('a whole number from 1 to 1000')
  })

  test('what clients cause by themselves takes a quarter of the places at most', () => {
    const log = flightLog(8)
    log.take(Array.from({ length: 7 }, (_, i) => flight(`u${i}`)))
    log.take(Array.from({ length: 50 }, (_, i) => flight(`c${i}`, { origin: 'client' })))
    expect(ids(log)).toEqual(['c49', 'c48', 'u6', 'u5', 'u4', 'u3', 'u2', 'u1'])
  })

  test('so does what was refused before any attempt: what opened a breaker stays in sight', () => {
    const log = flightLog(8)
    log.take(Array.from({ length: 7 }, (_, i) => flight(`u${i}`)))
    const refused = { origin: 'sluice', attempts: 0, reason: 'breaker_open' } as const
    log.take(Array.from({ length: 50 }, (_, i) => flight(`r${i}`, refused)))
    log.take([flight('late', { origin: 'sluice', attempts: 1, reason: 'deadline_exceeded' })])
    expect(ids(log)).toEqual(['late', 'r49', 'r48', 'u6', 'u5', 'u4', 'u3', 'u2'])
  })

  test('is bounded in bytes', () => {
    const log = flightLog(100_000)
    const path = 'x'.repeat(100_000)
    log.take(Array.from({ length: 100 }, (_, i) => flight(`u${i}`, { path })))
    expect(ids(log, { limit: '1000' })).toHaveLength(41)
    expect(ids(log)[0]).toBe('u99')
  })

  test('keeps nothing where it is off', () => {
    const log = flightLog(0)
    log.take([flight('a')])
    expect(ids(log)).toEqual([])
  })
})

describe('one request', () => {
  test('by its ID, or all with a correlation ID, the latest first', () => {
    const log = flightLog(10)
    log.take([flight('a', { correlationId: 'x' }), flight('b', { correlationId: 'x' })])
    const find = (id: string) => log.find({ params: { id }, query: {} }).requests
    expect(find('a').map(({ requestId, timeline }) => [requestId, timeline.length])).toEqual([['a', 1]])
    expect(find('x').map(({ requestId }) => requestId)).toEqual(['b', 'a'])
    expect(() => find('y')).toThrow(NotFound)
    expect(() => find('y')).toThrow('look for it in the access log')
  })
})
