import { describe, expect, test } from 'vitest'
import type { Exchange } from '../../../../src/core/exchange.ts'
import { failure } from '../../../../src/core/failures.ts'
import type { AccessLogConfig } from '../../../../src/core/seeing-config.ts'
import { AccessLog, type AccessLogRoute } from '../../../../src/data/seeing/access-log.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { madeAttempt, madeExchange, OK, REQUEST_ID } from './made-exchange.ts'

const HEAD = {
  generation: 3,
  gateway: { name: 'edge-eu' },
  accessLog: { format: 'json', maskHeaders: [], showQuery: [] } as AccessLogConfig,
}

function logged(ex: Exchange, match: Partial<AccessLogRoute> = {}, status = 200, name: string | null = 'orders') {
  let text = ''
  const out = {
    write(line: string): boolean {
      text += line
      return true
    },
  }
  const log = new AccessLog(out, new ManualClock(2000))
  const line = log.route(name ?? undefined, { queryKeys: new Set(), headerNames: [], ...match }, HEAD)
  log.write(ex, line, status, 1100.25)
  expect(text).toMatch(/^[\x20-\x7e]+\n$/)
  return { text, fields: JSON.parse(text) as Record<string, unknown> }
}

function served(): Exchange {
  const ex = madeExchange()
  ex.correlationId = 'corr-1'
  ex.client = '198.51.100.7'
  ex.path = '/orders/1'
  ex.attempts = 2
  ex.attempt = madeAttempt(2, OK, 1010)
  ex.attempt.status = 200
  ex.attempt.endedAt = 1090.5
  ex.firstByteAt = 1080
  ex.queuedMs = 1.25
  return ex
}

test('formats of web servers have no lines of what features ask for', () => {
  const log = new AccessLog({ write: () => true }, new ManualClock(2000))
  const facts = { kind: 'call', feature: 'auth' } as const
  expect(log.side(facts, undefined, { ...HEAD, accessLog: { ...HEAD.accessLog, format: 'combined' } })).toBeUndefined()
})

describe('access log', () => {
  test('one line with the documented fields in the documented order', () => {
    const expected = {
      time: '2026-01-01T00:00:02.000Z',
      request_id: REQUEST_ID,
      correlation_id: 'corr-1',
      trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
      gateway: 'edge-eu',
      generation: 3,
      listener: 'web',
      protocol: 'HTTP/1.1',
      client: '198.51.100.7',
      peer: '192.0.2.1',
      host: 'api.example.com',
      method: 'GET',
      path: '/orders/1',
      route: 'orders',
      upstream: 'orders',
      endpoint: 'http://10.0.0.1:8080',
      status: 200,
      upstream_status: 200,
      attempts: 2,
      queue_ms: 1.25,
      upstream_ms: 80.5,
      ttfb_ms: 80,
      duration_ms: 100.25,
      bytes_in: 12,
      bytes_out: 345,
    }
    expect(Object.entries(logged(served()).fields)).toEqual(Object.entries(expected))
  })

  test('a failure says why, when and who; no upstream, no upstream fields', () => {
    const ex = madeExchange({ target: '/a/../b?token=secret' })
    ex.failure = failure('ambiguous_path', 'request', 'client')
    const { fields } = logged(ex, {}, 400, null)
    expect(fields).toMatchObject({ reason: 'ambiguous_path', phase: 'request', origin: 'client', status: 400 })
    expect(fields.path).toBe('/a/../b')
    expect(fields.attempts).toBe(0)
    for (const name of ['route', 'upstream', 'endpoint', 'upstream_status', 'upstream_ms', 'ttfb_ms', 'query']) {
      expect(fields).not.toHaveProperty(name)
    }
  })

  test('a fallback says what it stands for', () => {
    const ex = served()
    ex.degraded = 'breaker_open'
    expect(logged(ex).fields.degraded).toBe('breaker_open')
  })

  test.each([
    ['?', '?'],
    ['?a=1', '?a=***'],
    ['?a=1&kind=x&b=&c', '?a=***&kind=x&b=***&c'],
    ['?kind=a=b&&=x', '?kind=a=b&&=***'],
    ['?Kind=x&%6bind=y', '?Kind=***&%6bind=***'],
    ['?a=1?kind=2', '?a=***'],
  ])('query %s is logged as %s', (query, shown) => {
    const ex = served()
    ex.query = query
    expect(logged(ex, { queryKeys: new Set(['kind']) }).fields.query).toBe(shown)
  })

  test('only headers that the match names, secrets never', () => {
    const ex = madeExchange({ headers: ['X-Tenant', 'a"b\u00e9', 'Authorization', 'Bearer x', 'X-Other', 'y'] })
    const match = { headerNames: ['x-tenant', 'authorization', 'x-missing'] }
    expect(logged(ex, match).fields.matched_headers).toEqual({ 'x-tenant': 'a"b\u00e9', authorization: '***' })
    expect(logged(ex, { headerNames: ['x-missing'] }).fields).not.toHaveProperty('matched_headers')
    const several = madeExchange({ headers: ['X-Tenant', 'a', 'x-tenant', 'b'] })
    expect(logged(several, match).fields.matched_headers).toEqual({ 'x-tenant': ['a', 'b'] })
  })

  test('nothing that a client sends can break the line', () => {
    const evil = '"\\\n\r\u0000\u007f\u00ff},{"status":200'
    const ex = madeExchange({ host: evil, headers: ['x-tenant', evil], method: 'GE"T' })
    ex.path = evil
    ex.query = `?${evil}=${evil}`
    const { fields } = logged(ex, { headerNames: ['x-tenant'] })
    expect(fields).toMatchObject({ host: evil, path: evil, matched_headers: { 'x-tenant': evil }, status: 200 })
  })
})

describe('which lines there are', () => {
  /** `logged`: it is said to get one. */
  function lines(ex: Exchange, isLogged: boolean, status: number): number {
    const written: string[] = []
    const log = new AccessLog({ write: (line) => written.push(line) > 0 }, new ManualClock(2000))
    ex.logged = isLogged
    log.write(ex, log.route('orders', { queryKeys: new Set(), headerNames: [] }, HEAD), status, 1100)
    return written.length
  }

  test('a request without a failure has one unless it is said not to', () => {
    const ex = served()
    expect([lines(ex, true, 200), lines(ex, true, 404), lines(ex, false, 200), lines(ex, false, 404)]).toEqual([
      1, 1, 0, 0,
    ])
  })

  test('every failure has one', () => {
    const ex = served()
    expect([lines(ex, false, 499), lines(ex, false, 500), lines(ex, false, 503)]).toEqual([0, 1, 1])
    ex.failure = failure('client_gone', 'body', 'client')
    expect(lines(ex, false, 499)).toBe(1)
    const fallen = served()
    fallen.degraded = 'connect_refused'
    expect(lines(fallen, false, 200)).toBe(1)
  })
})

describe('what is shown', () => {
  const accessLog = { ...HEAD.accessLog, maskHeaders: ['x-tenant'], showQuery: ['page'] }

  function shown(head: Partial<AccessLogConfig>, match: Partial<AccessLogRoute>): string {
    let text = ''
    const write = (line: string): boolean => {
      text += line
      return true
    }
    const log = new AccessLog({ write }, new ManualClock(2000))
    const ex = madeExchange({ headers: ['X-Tenant', 'acme', 'x-kind', 'a', 'x-api-key', '5f2b'] })
    ex.query = '?page=2&sort=up&q=1'
    const route = { queryKeys: new Set<string>(), headerNames: [], ...match }
    log.write(ex, log.route('orders', route, { ...HEAD, accessLog: { ...accessLog, ...head } }), 200, 1100)
    return text
  }

  test('values of further query keys, besides those that the route matches on', () => {
    expect(shown({}, {})).toContain('"query":"?page=2&sort=***&q=***"')
    expect(shown({}, { queryKeys: new Set(['q']) })).toContain('"query":"?page=2&sort=***&q=1"')
  })

  test('no values of masked headers, even where the route matches on them', () => {
    const text = shown({}, { headerNames: ['x-tenant', 'x-kind', 'x-api-key'] })
    expect(text).toContain('"matched_headers":{"x-tenant":"***","x-kind":"a","x-api-key":"***"}')
    expect(text).not.toContain('5f2b')
  })

  test('the formats of web servers', () => {
    expect(shown({ format: 'common' }, {})).toMatch(
      /^192\.0\.2\.1 - - \[.*\] "GET \/orders\/1\?page=2&sort=\*{3}&q=\*{3} HTTP/,
    )
    expect(shown({ format: 'combined' }, {})).toMatch(/ 200 345 "-" "-"\n$/)
  })
})
