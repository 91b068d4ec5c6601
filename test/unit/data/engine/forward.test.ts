import { describe, expect, test } from 'vitest'
import { Forwarder } from '../../../../src/data/engine/forward.ts'
import { exchange } from '../../../kit/exchange.ts'

const forwarder = new Forwarder({
  gateway: { name: 'edge' },
  correlation: { headers: ['x-correlation-id'], trust: 'any' },
})

function forwarded(headers: readonly string[], trusted = false): Map<string, string[]> {
  const ex = exchange(headers)
  ex.trusted = trusted
  ex.traceparent = '00-1-2-00'
  ex.correlationId = 'corr-1'
  const list = forwarder.headers(ex)
  const map = new Map<string, string[]>()
  for (let i = 0; i < list.length; i += 2) {
    const name = (list[i] as string).toLowerCase()
    map.set(name, [...(map.get(name) ?? []), list[i + 1] as string])
  }
  return map
}

describe('what upstreams get', () => {
  test('end-to-end fields keep order, case and duplicates', () => {
    const ex = exchange(['X-B', '1', 'x-a', '2', 'X-B', '3'])
    expect(forwarder.headers(ex).slice(0, 6)).toEqual(['X-B', '1', 'x-a', '2', 'X-B', '3'])
  })

  test.each([
    'Keep-Alive',
    'Proxy-Connection',
    'Transfer-Encoding',
    'Upgrade',
    'Connection',
    'Host',
    'Content-Length',
    'Expect',
    'Trailer',
    'HTTP2-Settings',
  ])('%s stays on its hop', (name) => expect(forwarded([name, 'x']).has(name.toLowerCase())).toBe(false))

  test('fields that Connection names are removed, wherever they stand, close and keep-alive are not names', () => {
    const map = forwarded([
      'X-Hop',
      '1',
      'Connection',
      'close, X-Hop',
      'x-end',
      '2',
      'connection',
      'x-other',
      'X-Other',
      '3',
      'close',
      '4',
    ])
    expect(map.has('x-hop')).toBe(false)
    expect(map.has('x-other')).toBe(false)
    expect(map.get('x-end')).toEqual(['2'])
    expect(map.get('close')).toEqual(['4'])
  })

  test('Connection can not take away what we set', () => {
    const map = forwarded(['Connection', 'x-forwarded-for, x-correlation-id, via'])
    expect(map.get('x-forwarded-for')).toEqual(['192.0.2.7'])
    expect(map.get('x-correlation-id')).toEqual(['corr-1'])
    expect(map.get('via')).toEqual(['1.1 edge'])
  })

  test('TE is reduced to trailers', () => {
    expect(forwarded(['TE', 'gzip, Trailers']).get('te')).toEqual(['trailers'])
    expect(forwarded(['TE', 'gzip']).has('te')).toBe(false)
  })

  test('forwarding fields of strangers are replaced', () => {
    const map = forwarded([
      'X-Forwarded-For',
      '1.1.1.1',
      'X-Forwarded-Proto',
      'https',
      'X-Forwarded-Host',
      'evil',
      'Forwarded',
      'for=1.1.1.1',
      'sluice-anything',
      'x',
    ])
    expect(map.get('x-forwarded-for')).toEqual(['192.0.2.7'])
    expect(map.get('x-forwarded-proto')).toEqual(['http'])
    expect(map.get('x-forwarded-host')).not.toEqual(['evil'])
    expect(map.has('forwarded')).toBe(false)
    expect(map.has('sluice-anything')).toBe(false)
  })

  test('forwarding fields of trusted peers are appended to or kept', () => {
    const map = forwarded(
      [
        'X-Forwarded-For',
        '1.1.1.1',
        'X-Forwarded-Proto',
        'https',
        'X-Forwarded-Host',
        'shop',
        'X-Forwarded-Port',
        '443',
        'Forwarded',
        'for=1.1.1.1',
      ],
      true,
    )
    expect(map.get('x-forwarded-for')).toEqual(['1.1.1.1, 192.0.2.7'])
    expect(map.get('x-forwarded-proto')).toEqual(['https'])
    expect(map.get('x-forwarded-host')).toEqual(['shop'])
    expect(map.get('x-forwarded-port')).toEqual(['443'])
    expect(map.get('forwarded')).toEqual(['for=1.1.1.1'])
  })

  test('deadlines and attempt counts count from trusted peers only, and are never passed on', () => {
    for (const trusted of [true, false]) {
      const ex = exchange(['sluice-timeout-ms', '250', 'x-envoy-attempt-count', '3', 'sluice-attempt', '2'])
      ex.trusted = trusted
      const list = forwarder.headers(ex)
      expect(ex.offeredMs).toBe(trusted ? 250 : Number.POSITIVE_INFINITY)
      expect(ex.priorAttempts).toBe(trusted ? 2 : 0)
      expect(list).not.toContain('sluice-timeout-ms')
      expect(list).not.toContain('x-envoy-attempt-count')
    }
  })

  test.each(['abc', '-5', '1e3', '99999999999999', ''])('an offered timeout of %j is ignored', (value) => {
    const ex = exchange(['sluice-timeout-ms', value])
    ex.trusted = true
    forwarder.headers(ex)
    expect(ex.offeredMs).toBe(Number.POSITIVE_INFINITY)
  })

  test('correlation and trace are ours, once', () => {
    const map = forwarded(['X-Correlation-ID', 'theirs', 'Traceparent', 'bad', 'tracestate', 'a=1'])
    expect(map.get('x-correlation-id')).toEqual(['corr-1'])
    expect(map.get('traceparent')).toEqual(['00-1-2-00'])
    expect(map.has('tracestate')).toBe(false)
  })

  test('Via is continued, and our own name in it is a loop', () => {
    expect(forwarded(['Via', '1.1 other']).get('via')).toEqual(['1.1 other, 1.1 edge'])
    expect(forwarder.loops(exchange(['Via', '1.1 a, 1.1 EDGE (x)']))).toBe(true)
    expect(forwarder.loops(exchange(['Via', '1.1 edge2, 1.0 my-edge']))).toBe(false)
    expect(forwarder.loops(exchange([]))).toBe(false)
  })
})
