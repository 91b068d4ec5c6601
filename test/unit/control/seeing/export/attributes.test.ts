import { describe, expect, test } from 'vitest'
import { clientSpan, serverSpan, sideSpan } from '../../../../../src/control/seeing/export/attributes.ts'
import { requestRecord } from '../../../../kit/records.ts'

describe('the span of a request', () => {
  test.each([
    [{ status: 200 }, false, undefined],
    [{ status: 404 }, false, undefined],
    [{ status: 503 }, true, '503'],
    [
      { status: 502, failure: { reason: 'connect_refused', phase: 'connect', origin: 'upstream' } },
      true,
      'connect_refused',
    ],
    [{ status: 429, failure: { reason: 'rate_limited', phase: 'limit', origin: 'client' } }, false, undefined],
    [{ status: 499, failure: { reason: 'client_gone', phase: 'headers', origin: 'client' } }, false, undefined],
    [
      { status: 200, failure: { reason: 'response_incomplete', phase: 'body', origin: 'upstream' } },
      true,
      'response_incomplete',
    ],
  ] as const)('%j failed: %s', (over, failed, type) => {
    const written = serverSpan(requestRecord(over))
    expect([written.failed, written.attributes['error.type']]).toEqual([failed, type])
  })

  test('has a name of few values, whatever clients send', () => {
    expect(serverSpan(requestRecord()).name).toBe('GET /orders/{id}')
    expect(serverSpan(requestRecord({ pattern: undefined })).name).toBe('GET')
    const odd = serverSpan(requestRecord({ method: 'BREW' }))
    expect(odd.name).toBe('HTTP /orders/{id}')
    expect(odd.attributes).toMatchObject({
      'http.request.method': '_OTHER',
      'http.request.method_original': 'BREW',
    })
  })
})

test('the span of a request that a feature made names it, and no client', () => {
  const side = { kind: 'call', feature: 'auth' } as const
  const failure = { reason: 'breaker_open', phase: 'connect', origin: 'sluice' } as const
  const { attributes, failed, name } = sideSpan(requestRecord({ side, route: '-', status: 503, failure }), side)
  expect([name, failed, attributes['error.type']]).toEqual(['call auth', true, 'breaker_open'])
  expect(attributes).toMatchObject({
    'sluice.feature': 'auth',
    'sluice.correlation_id': 'c-1',
    'url.path': '/orders/1',
  })
  expect(attributes).not.toHaveProperty(['client.address'])
  expect(attributes).not.toHaveProperty(['sluice.route'])
  const fork = { kind: 'fork', feature: 'cache' } as const
  expect(sideSpan(requestRecord({ side: fork }), fork)).toMatchObject({
    failed: false,
    attributes: { 'sluice.route': 'orders' },
  })
})

describe('the span of an attempt', () => {
  test.each([
    ['http://10.0.0.1:8080', '10.0.0.1', 8080],
    ['https://[2001:db8::1]:8443', '2001:db8::1', 8443],
    ['http://orders:80', 'orders', 80],
    ['https://orders:443', 'orders', 443],
  ])('names where it went: %s', (endpoint, address, port) => {
    const { attributes } = clientSpan(requestRecord(), requestRecord({}, { endpoint }).attempts[0] as never)
    expect(attributes).toMatchObject({
      'server.address': address,
      'server.port': port,
      'url.full': `${endpoint}/orders/1`,
    })
  })

  test.each([
    [{ status: 200 }, undefined],
    [{ status: 404 }, '404'],
    [{ status: 0, outcome: 'timeout', reason: 'attempt_timeout' }, 'attempt_timeout'],
    // It lost against a hedge.
    [{ status: 0, outcome: 'ignored' }, undefined],
  ] as const)('%j is an error of type %s', (over, type) => {
    const record = requestRecord({}, over)
    expect(clientSpan(record, record.attempts[0] as never).attributes['error.type']).toBe(type)
  })
})
