import { describe, expect, test } from 'vitest'
import type { Downstream } from '../../../../src/core/downstream.ts'
import { Exchange } from '../../../../src/core/exchange.ts'
import { RequestIdentity } from '../../../../src/data/seeing/request-identity.ts'
import { FieldNames } from '../../../../src/lib/headers.ts'
import { seededRandom } from '../../../../src/lib/random.ts'

const VALID = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

function identified(headers: string[], options: { peer?: string; trust?: 'any' | 'proxies' } = {}): Exchange {
  const peer = { address: options.peer ?? '192.0.2.1', port: 1, localPort: 2, secure: false, listener: 'web' }
  const ex = new Exchange({ headers, peer, target: '/', authority: 'a' } as unknown as Downstream, 0, 'request-id', 0)
  const config = {
    trustedProxies: ['10.0.0.0/8'],
    correlation: { headers: ['x-correlation-id', 'x-request-id'], trust: options.trust ?? ('any' as const) },
  }
  new RequestIdentity(config, new FieldNames(), seededRandom(1)).identify(ex)
  return ex
}

describe('correlation ID', () => {
  test('the first configured header wins, wherever it stands', () => {
    expect(identified(['X-Request-Id', 'b', 'X-Correlation-ID', 'a']).correlationId).toBe('a')
    expect(identified(['X-Correlation-ID', 'a', 'X-Request-Id', 'b']).correlationId).toBe('a')
    expect(identified(['X-Request-Id', 'b']).correlationId).toBe('b')
  })

  test('a value that is not admitted gives way to the next, then to the request ID', () => {
    expect(identified(['x-correlation-id', 'no spaces', 'x-request-id', 'b']).correlationId).toBe('b')
    expect(identified(['x-correlation-id', '', 'x-correlation-id', 'second']).correlationId).toBe('second')
    expect(identified(['x-correlation-id', 'a"b', 'x-request-id', '\u00e9']).correlationId).toBe('request-id')
    expect(identified([]).correlationId).toBe('request-id')
  })

  test('1 to 128 characters of the documented set', () => {
    const all = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._:/+=@-'
    expect(identified(['x-request-id', all]).correlationId).toBe(all)
    expect(identified(['x-request-id', 'a'.repeat(128)]).correlationId).toBe('a'.repeat(128))
    expect(identified(['x-request-id', 'a'.repeat(129)]).correlationId).toBe('request-id')
    for (let code = 0; code < 256; code++) {
      const char = String.fromCharCode(code)
      const expected = all.includes(char) ? char : 'request-id'
      expect(identified(['x-request-id', char]).correlationId, `code ${code}`).toBe(expected)
    }
  })

  test('with trust: proxies only from trusted peers', () => {
    const headers = ['x-request-id', 'b']
    expect(identified(headers, { trust: 'proxies' }).correlationId).toBe('request-id')
    expect(identified(headers, { trust: 'proxies', peer: '10.0.0.1' }).correlationId).toBe('b')
  })
})

describe('trace', () => {
  test('a valid pair goes on unchanged', () => {
    const ex = identified(['Traceparent', VALID, 'TraceState', 'a=1', 'tracestate', 'b=2'])
    expect(ex.traceparent).toBe(VALID)
    expect(ex.tracestate).toBe('a=1,b=2')
    expect(ex.continued).toBe(true)
  })

  test('an invalid tracestate does not harm its traceparent', () => {
    const ex = identified(['traceparent', VALID, 'tracestate', 'NO=1'])
    expect(ex.traceparent).toBe(VALID)
    expect(ex.tracestate).toBeUndefined()
  })

  test.each([
    ['missing', ['tracestate', 'a=1']],
    ['invalid', ['traceparent', VALID.toUpperCase(), 'tracestate', 'a=1']],
    ['twice', ['traceparent', VALID, 'traceparent', VALID, 'tracestate', 'a=1']],
  ])('%s: a new unsampled trace without state', (_, headers) => {
    const ex = identified(headers)
    expect(ex.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-02$/)
    expect(ex.continued).toBe(false)
    expect(ex.traceparent.slice(3, 35)).not.toBe(VALID.slice(3, 35))
    expect(ex.tracestate).toBeUndefined()
  })
})

describe('client', () => {
  test('X-Forwarded-For counts from trusted peers only', () => {
    const headers = ['X-Forwarded-For', '6.6.6.6', 'x-forwarded-for', '1.2.3.4, 10.0.0.7']
    const far = identified(headers)
    expect([far.client, far.trusted]).toEqual(['192.0.2.1', false])
    const near = identified(headers, { peer: '10.0.0.1' })
    expect([near.client, near.trusted]).toEqual(['1.2.3.4', true])
  })

  test('without the field it is the peer', () => {
    const ex = identified([], { peer: '10.0.0.1' })
    expect([ex.client, ex.trusted]).toEqual(['10.0.0.1', true])
  })
})
