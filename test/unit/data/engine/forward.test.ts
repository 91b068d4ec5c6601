import { describe, expect, test } from 'vitest'
import type { Exchange } from '../../../../src/core/exchange.ts'
import { Forwarder } from '../../../../src/data/engine/forward.ts'
import { exchange, PEER } from '../../../kit/exchange.ts'

const HEAD = {
  gateway: { name: 'edge' },
  correlation: { headers: ['x-correlation-id'], trust: 'any' },
  tracing: undefined,
} as const
const forwarder = new Forwarder(HEAD, ['x-user', 'x_under', 'x.dot-ted'])

function forwarded(
  headers: readonly string[],
  trusted = false,
  ex = exchange(headers, 'GET', '/', PEER, 'shop.test'),
): Map<string, string[]> {
  ex.trusted = trusted
  if (trusted) ex.client = '1.1.1.1'
  ex.traceparent = '00-1-2-00'
  ex.continued = true
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

  test('Connection cannot take away what we set', () => {
    const map = forwarded(['Connection', 'x-forwarded-for, x-correlation-id, via'])
    expect(map.get('x-forwarded-for')).toEqual(['192.0.2.7'])
    expect(map.get('x-correlation-id')).toEqual(['corr-1'])
    expect(map.get('via')).toEqual(['1.1 edge'])
  })

  test.each([
    ['TE', 'trailers', 'TE'],
    ['te', 'gzip;q=1, Trailers', 'keep-alive, te'],
    ['Te', ' ,trailers,', 'close,\tTE ,x'],
  ])('%s: %s with Connection: %s is right, and goes on for our connection', (name, value, connection) => {
    expect(forwarded([name, value, 'Connection', connection]).get('te')).toEqual(['trailers'])
    expect(forwarded(['Connection', connection, name, value]).get('te')).toEqual(['trailers'])
  })

  test('lines of TE and of Connection belong together', () => {
    expect(forwarded(['te', 'gzip', 'connection', 'x', 'TE', 'trailers', 'Connection', 'te']).get('te')).toEqual([
      'trailers',
    ])
  })

  test.each([
    ['that Connection does not name', ['TE', 'trailers']],
    ['beside a Connection of something else', ['TE', 'trailers', 'Connection', 'keep-alive, tex, x-te']],
    ['of transfer codings alone', ['TE', 'gzip, trailers2, untrailers', 'Connection', 'te']],
    ['that is empty', ['TE', '', 'Connection', 'TE']],
  ])('TE %s stays on its hop', (_, headers) => expect(forwarded(headers).has('te')).toBe(false))

  test('Max-Forwards of OPTIONS and TRACE counts us, and means nothing to others', () => {
    const told = (method: string, value: string): string[] | undefined =>
      forwarded([], false, exchange(['Max-Forwards', value], method)).get('max-forwards')
    for (const method of ['OPTIONS', 'TRACE']) {
      expect(told(method, '10')).toEqual(['9'])
      expect(told(method, '1')).toEqual(['0'])
      expect(told(method, '0007')).toEqual(['6'])
      expect(told(method, '9'.repeat(40))).toEqual(['999999999'])
      for (const odd of ['', '-1', '1.5', '0x5', '5, 6', 'x']) expect(told(method, odd)).toEqual([odd])
    }
    expect(told('GET', '10')).toEqual(['10'])
  })

  test.each([...['X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Port', 'X-Real-IP']])(
    '%s of a stranger is replaced',
    (name) => {
      const values = forwarded([name, 'forged', name.toLowerCase(), 'forged']).get(name.toLowerCase())
      expect(values).toHaveLength(1)
      expect(values).not.toContain('forged')
    },
  )

  test.each([
    ...['X-Forwarded-Prefix', 'X-Forwarded-User', 'X-Forwarded-Email', 'X-Forwarded-Client-Cert', 'X-Forwarded-Ssl'],
    ...[
      'X-Forwarded-Scheme',
      'X-Forwarded-Server',
      'X-Forwarded-Proto-Version',
      'x-FORWARDED-anything',
      'X-Forwarded-',
    ],
    ...['X-Forwarded', 'Forwarded', 'Forwarded-For', 'X-Client-IP', 'X-Cluster-Client-IP', 'X-Original-URL'],
    ...['X-Original-URI', 'X-Original-Host', 'X-Rewrite-URL', 'Client-Cert', 'Client-Cert-Chain', 'sluice-x'],
  ])('%s comes from trusted peers only', (name) => {
    for (const written of [name, name.toLowerCase(), name.toUpperCase()]) {
      expect(forwarded([written, 'x']).has(name.toLowerCase())).toBe(false)
      expect(forwarded([written, 'x'], true).get(name.toLowerCase())).toEqual(['x'])
    }
  })

  test.each(['Proxy', 'X-Real-IP', 'X-Correlation-ID', 'Traceparent'])(
    '%s is no one else’s, trusted or not',
    (name) => {
      for (const trusted of [false, true])
        expect([...forwarded([name, 'x'], trusted).values()].flat()).not.toContain('x')
    },
  )

  test.each([
    'X-Forward',
    'X-Forwarder',
    'X-For',
    'x',
    'xf',
    'Forwarded-By',
    'X-Real',
    'Proxy-Authorization',
    'X-Proxy',
  ])('%s is no field of a proxy', (name) => expect(forwarded([name, 'x']).get(name.toLowerCase())).toEqual(['x']))

  test('X-Real-IP is the client’s address by the rules of trust', () => {
    expect(forwarded([]).get('x-real-ip')).toEqual(['192.0.2.7'])
    expect(forwarded(['X-Real-IP', '6.6.6.6', 'X-Forwarded-For', '1.1.1.1'], true).get('x-real-ip')).toEqual([
      '1.1.1.1',
    ])
  })

  describe('X-Forwarded-Port is of the URL that the client asked for', () => {
    const port = (authority: string, secure: boolean, headers: readonly string[] = []): string[] | undefined =>
      forwarded([], headers.length > 0, exchange(headers, 'GET', '/', { ...PEER, secure }, authority)).get(
        'x-forwarded-port',
      )
    test.each([
      ['shop.test', false, '80'],
      ['shop.test', true, '443'],
      ['shop.test:', true, '443'],
      ['shop.test:8443', true, '8443'],
      ['shop.test:80', true, '80'],
      ['[2001:db8::1]', false, '80'],
      ['[2001:db8::1]:8080', false, '8080'],
      ['10.0.0.1', false, '80'],
      ['123', false, '80'],
      ['', false, '80'],
    ])('%s, TLS: %s', (authority, secure, expected) => expect(port(authority, secure)).toEqual([expected]))

    test.each([
      ['shop:444', 'https', '444'],
      ['shop', 'https', '443'],
      ['shop', 'HTTPS', '443'],
      ['shop', 'https, http', '443'],
      ['shop', 'wss', '443'],
      ['shop', 'http', '80'],
      ['shop', 'httpsx', '80'],
      ['shop:444, inner:80', 'https', '444'],
      ['shop, inner:8080', 'https', '443'],
      ['[::1]', 'https', '443'],
    ])('X-Forwarded-Host: %s and -Proto: %s of a trusted peer', (host, proto, expected) =>
      expect(port('inner:8080', false, ['X-Forwarded-Host', host, 'X-Forwarded-Proto', proto])).toEqual([expected]),
    )

    test('Host counts where a trusted peer tells the scheme only', () =>
      expect(port('shop.test', false, ['X-Forwarded-Proto', 'https'])).toEqual(['443']))

    test('a trusted peer may know better', () =>
      expect(port('shop.test', false, ['X-Forwarded-Port', '9443'])).toEqual(['9443']))
  })

  test('a request without authority has no X-Forwarded-Host, and the endpoint’s own goes up', () => {
    const ex = exchange()
    expect(forwarded([], false, ex).has('x-forwarded-host')).toBe(false)
    expect(ex.forwardAuthority).toBe(undefined)
  })

  describe('names that CGI and its like take for others', () => {
    test.each([
      ...['X_Forwarded_For', 'x-forwarded_proto', 'X.Forwarded.For', 'X_Forwarded_Anything', 'X_Real_IP', 'x.real-ip'],
      ...['SLUICE_attempt', 'sluice_anything', 'sluice.x', 'x_correlation_id', 'X-Envoy_Attempt-Count', 'X_Client_IP'],
      ...['X_Original_URL', 'x-rewrite_url', 'Content_Length', 'transfer_encoding', 'Client_Cert', 'Max_Forwards'],
      ...['x_user', 'X.User', 'X~USER', 'x!user', 'X-Under', 'x.under', 'X_Dot_Ted', 'x-dot-ted'],
    ])('%s is dropped, of trusted peers too', (name) => {
      for (const trusted of [false, true]) {
        expect([...forwarded([name, 'forged'], trusted).values()].flat()).not.toContain('forged')
      }
    })

    test.each([
      'x_api_key',
      'last_one',
      'x.y',
      'X_Users',
      'x__user',
      'user',
      'xuser',
      '_x-user',
      'x_forward',
      'x_f',
      '_',
    ])('%s is nobody’s: it passes', (name) => expect(forwarded([name, '1']).get(name.toLowerCase())).toEqual(['1']))

    test.each(['X-User', 'x-user', 'X_Under', 'x_UNDER', 'X.Dot-Ted'])(
      '%s is named so by the config: it passes',
      (name) => expect(forwarded([name, '1']).get(name.toLowerCase())).toEqual(['1']),
    )

    test('what the config names otherwise than it is written here passes too, once it is named', () => {
      const both = new Forwarder(HEAD, ['x-user', 'x_user'])
      expect(both.headers(exchange(['X_User', '1', 'X-User', '2', 'X.User', '3'])).slice(0, 5)).toEqual([
        ...['X_User', '1', 'X-User', '2', 'x-forwarded-for'],
      ])
    })

    test('a name that begins with a mark is folded as well', () => {
      const odd = new Forwarder(HEAD, ['_token'])
      expect(odd.headers(exchange(['-token', '1', '.Token', '2', '_Token', '3'])).slice(0, 2)).toEqual(['_Token', '3'])
    })

    test('however many names a client makes up, what is known stays known', () => {
      const full = new Forwarder(HEAD, ['x-user'])
      for (let i = 0; i < 5000; i++)
        full.headers(exchange([`x-us${i % 10}${String.fromCharCode(97 + (i % 26))}${i}`, '1']))
      for (let i = 0; i < 9000; i++) full.headers(exchange([`s${i}`.padEnd(6, 'x'), '1']))
      expect(full.headers(exchange(['x_user', '1', 'X-User', '2'])).slice(0, 2)).toEqual(['X-User', '2'])
    })
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

  test('attempt counts count from trusted peers only, and are never passed on', () => {
    for (const trusted of [true, false]) {
      const ex = exchange(['sluice-timeout-ms', '250', 'x-envoy-attempt-count', '3', 'sluice-attempt', '2'])
      ex.trusted = trusted
      const list = forwarder.headers(ex)
      expect(ex.priorAttempts).toBe(trusted ? 2 : 0)
      expect(list).not.toContain('sluice-timeout-ms')
      expect(list).not.toContain('x-envoy-attempt-count')
    }
  })

  test('correlation and trace are ours, once', () => {
    const map = forwarded(['X-Correlation-ID', 'theirs', 'Traceparent', 'bad', 'tracestate', 'a=1'])
    expect(map.get('x-correlation-id')).toEqual(['corr-1'])
    expect(map.get('traceparent')).toEqual(['00-1-2-00'])
    expect(map.has('tracestate')).toBe(false)
  })

  test('a trace that came goes on, and none is made: services behind would follow one that nobody samples', () => {
    const names = (ex: Exchange, tracing: boolean): string[] => {
      ex.traceparent = '00-1-2-02'
      const head = {
        ...HEAD,
        tracing: tracing ? { sample: 0, errors: 'sampled', parents: 'any', requests: 1 } : undefined,
      }
      return new Forwarder(head as never, []).headers(ex).filter((name) => name.startsWith('trace'))
    }
    const came = exchange()
    came.continued = true
    came.tracestate = 'a=1'
    expect(names(came, false)).toEqual(['traceparent', 'tracestate'])
    expect(names(exchange(), false)).toEqual([])
    expect(names(exchange(), true)).toEqual(['traceparent'])
  })

  test('Via is continued', () => {
    expect(forwarded(['Via', '1.1 other']).get('via')).toEqual(['1.1 other, 1.1 edge'])
  })
})
