import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Glimpse } from '../../src/core/downstream.ts'
import type { Rule } from '../../src/data/ingress/common/rules.ts'
import { field, httpClient } from '../kit/client.ts'
import {
  type Gate,
  type GateOptions,
  HTTP1_SERVERS,
  type Http1,
  ok,
  type Respond,
  gate as startGate,
} from '../kit/ingress.ts'
import { settle, until } from '../kit/until.ts'

describe.each(HTTP1_SERVERS)('http1: %s', (http1) => {
  let held: Gate
  const gate = (respond: Respond, options: GateOptions = {}): Promise<Gate> => startGate(respond, { http1, ...options })

  beforeAll(async () => {
    held = await gate(ok, {
      limits: { headerBytes: 8192, headerCount: 20, targetBytes: 1024 },
      timeouts: { headers: 200 },
    })
  })

  afterAll(() => held.stop())

  /** Sends, expects this status (0: a close without an answer), a close, and nothing handed over. */
  async function refused(text: string, status: number): Promise<string> {
    const before = held.accepted.length
    const client = await httpClient(held.port)
    client.send(text)
    let body = ''
    if (status === 0) {
      await client.ended()
      expect(client.rest).toBe('')
    } else {
      const answer = await client.answer()
      expect([answer.status, answer.body]).toEqual([status, answer.body])
      expect(field(answer, 'connection')?.toLowerCase()).toBe('close')
      body = answer.body
      await client.ended()
      expect(client.rest).toBe('')
    }
    client.close()
    await settle()
    expect(held.accepted.length).toBe(before)
    return body
  }

  const get = (fields: string, target = '/'): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`
  const post = (fields: string, body = ''): string => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`
  const CHUNKS = '0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'

  /** What is no method. */
  const METHODS: Readonly<Record<Http1, [string, string, number][]>> = {
    node: [
      ['an unknown method', 'FOO / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
      ['a method in small letters', 'get / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ],
    own: [
      ['a method with a brace', '{GET} / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
      ['a method that is too long', `${'M'.repeat(33)} / HTTP/1.1\r\nHost: a\r\n\r\n`, 400],
      ['two empty lines in front', '\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
      ['a bare LF in front', '\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
      ['a blank behind a chunk size', post('Transfer-Encoding: chunked\r\n', '1 \r\na\r\n0\r\n\r\n'), 400],
      ['a blank in a chunk extension', post('Transfer-Encoding: chunked\r\n', '1; a\r\na\r\n0\r\n\r\n'), 400],
    ],
  }

  describe('what could be read in two ways is refused', () => {
    test.each<[string, string, number]>([
      ['TE and CL', post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', CHUNKS), 400],
      ['CL and TE', post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', CHUNKS), 400],
      ['two lengths', post('Content-Length: 5\r\nContent-Length: 6\r\n', 'hello!'), 400],
      ['two equal lengths', post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'), 400],
      ['a list of lengths', post('Content-Length: 5, 5\r\n', 'hello'), 400],
      ['a length with a sign', post('Content-Length: +5\r\n', 'hello'), 400],
      ['a negative length', post('Content-Length: -5\r\n', 'hello'), 400],
      ['a hexadecimal length', post('Content-Length: 0x2\r\n', 'hi'), 400],
      ['a length beyond all numbers', post('Content-Length: 9007199254740993\r\n', 'hi'), 400],
      ['an empty length', post('Content-Length:\r\n', 'hi'), 400],
      ['obs-fold', get('X-A: 1\r\n 2\r\n'), 400],
      ['obs-fold with a tab', get('X-A: 1\r\n\t2\r\n'), 400],
      ['bare LF between fields', 'GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n', 400],
      ['bare LF after the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n', 400],
      ['bare LF everywhere', 'GET / HTTP/1.1\nHost: a\n\n', 400],
      ['bare CR in a value', get('X: a\rb\r\n'), 400],
      ['space before the colon', get('X : 1\r\n'), 400],
      ['space before the colon of a length', post('Content-Length : 2\r\n', 'hi'), 400],
      ['space before a name', get(' X: 1\r\n'), 400],
      ['NUL in a value', get('X: a\0b\r\n'), 400],
      ['NUL in a name', get('X\0: a\r\n'), 400],
      ['a control character in a value', get('X: a\x01b\r\n'), 400],
      ['a name without colon', get('X\r\n'), 400],
      ['an empty name', get(': 1\r\n'), 400],
      ['chunked twice', post('Transfer-Encoding: chunked, chunked\r\n', CHUNKS), 400],
      ['chunked in two fields', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', CHUNKS), 400],
      ['gzip, chunked', post('Transfer-Encoding: gzip, chunked\r\n', CHUNKS), 501],
      ['chunked, identity', post('Transfer-Encoding: chunked, identity\r\n', CHUNKS), 400],
      ['gzip alone', post('Transfer-Encoding: gzip\r\n', CHUNKS), 501],
      ['identity', post('Transfer-Encoding: identity\r\n', CHUNKS), 501],
      ['quoted chunked', post('Transfer-Encoding: "chunked"\r\n', CHUNKS), 501],
      ['xchunked', post('Transfer-Encoding: xchunked\r\n', CHUNKS), 501],
      ['a coding in HTTP/1.0', 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
      ['two hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
      ['two equal hosts', 'GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n', 400],
      ['two hosts in HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n', 400],
      ['a list of hosts', 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n', 400],
      ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
      ['an empty host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', 400],
      ['a host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
      ['a host with userinfo', 'GET / HTTP/1.1\r\nHost: u@a\r\n\r\n', 400],
      ['a host with a space', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 400],
      ['a host with a bad port', 'GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n', 400],
      ['a host with a port beyond all ports', 'GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n', 400],
      ['a host that is an open bracket', 'GET / HTTP/1.1\r\nHost: [::1\r\n\r\n', 400],
      ['a host above ASCII', 'GET / HTTP/1.1\r\nHost: caf\xe9\r\n\r\n', 400],
      ['HTTP/1.2', 'GET / HTTP/1.2\r\nHost: a\r\n\r\n', 400],
      ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 400],
      ['HTTP/0.9', 'GET / HTTP/0.9\r\nHost: a\r\n\r\n', 400],
      ['no version', 'GET /\r\n\r\n', 400],
      ['what only begins as the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n', 400],
      ['userinfo in the target', get('', 'http://user:pw@a/'), 400],
      ['another scheme', get('', 'ftp://a/'), 400],
      ['an absolute target without host', get('', 'http:///x'), 400],
      ['* of GET', get('', '*'), 400],
      ['*x of OPTIONS', 'OPTIONS *x HTTP/1.1\r\nHost: a\r\n\r\n', 400],
      ['a target without slash', get('', 'foo'), 400],
      ['a target above ASCII', get('', '/caf\xe9'), 400],
      ...METHODS[http1],
      ['another protocol', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
      ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', 501],
      ['CONNECT with a body', 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi', 501],
      ['an unknown expectation', post('Expect: a-miracle\r\nContent-Length: 2\r\n', 'hi'), 417],
    ])('%s', async (_name, text, status) => {
      await refused(text, status)
    })
  })

  describe('what is refused is counted by its rule, and what was read of it is told', () => {
    const UNKNOWN: [Rule, string, Partial<Glimpse>][] = [
      ['method', 'FOO /x?key=1 HTTP/1.1\r\nHost: a\r\n\r\n', { method: 'FOO', target: '/x?key=1' }],
      ['method', 'get / HTTP/1.1\r\nHost: a\r\n\r\n', { method: 'get', target: '/' }],
      ['method', `${get('')}\r\nBAD /b HTTP/1.1\r\n`, { method: 'BAD', target: '/b' }],
    ]
    const lines = (n: number): string => 'X: 1\r\n'.repeat(n)
    test.each<[Rule, string, Partial<Glimpse> | undefined, (Partial<Glimpse> | 'handled')?]>([
      ...(http1 === 'node' ? UNKNOWN : []),
      ['method', '\x16\x04\x01\x02\x00\x01\x00\x01\xfc\x03\x03', {}],
      ['tls', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', {}],
      ['method', `${'F'.repeat(40)} / HTTP/1.1\r\n\r\n`, {}],
      ['request_line', get('', '/a b'), { method: 'GET', target: '/a' }],
      ['request_line', 'GET /x ICY/1.0\r\n\r\n', { method: 'GET', target: '/x' }],
      ['target', get('', '/caf\xe9'), { method: 'GET', target: '/caf\xe9' }],
      ['target', get('', `/${'a'.repeat(1500)}\x01`), { method: 'GET', target: `/${'a'.repeat(1023)}` }],
      ['target', get('', 'http://user:pw@a/'), undefined],
      ['version', 'GET /x HTTP/1.2\r\nHost: a\r\n\r\n', { method: 'GET', target: '/x' }],
      ['version', 'GET /x HTTP/2.0\r\nHost: a\r\n\r\n', undefined, { method: 'GET', target: '/x' }],
      ['version', 'PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n', {}, { method: 'PRI', target: '*' }],
      ['field', get('X : 1\r\n', '/x'), { method: 'GET', target: '/x', host: 'a' }],
      ['field', get('X: 1\r\n 2\r\n', '/x'), { method: 'GET', target: '/x', host: 'a' }],
      [
        'field',
        `GET /x HTTP/1.1\r\n${lines(3)}hOST:  B:80 \r\n${lines(10)}X: \0\r\n\r\n`,
        { host: 'B:80', target: '/x' },
      ],
      ['field', `${get('', '/1')}GET /2 HTTP/1.1\r\nHost: b\r\n(): 1\r\n`, { host: 'b', target: '/2' }],
      [
        'line_end',
        'GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n',
        { method: 'GET', target: '/', host: 'a' },
        { method: 'GET', target: '/' },
      ],
      ['line_end', get('X: a\rb\r\n'), { method: 'GET', target: '/', host: 'a' }],
      ['content_length', post('Content-Length: +5\r\n', 'hello'), { method: 'POST', host: 'a' }, 'handled'],
      [
        'content_length',
        post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'),
        { method: 'POST', host: 'a' },
        'handled',
      ],
      [
        'content_length',
        post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', CHUNKS),
        { method: 'POST' },
        'handled',
      ],
      ['transfer_encoding', post('Transfer-Encoding: chunked, gzip\r\n', CHUNKS), { method: 'POST' }, 'handled'],
      ['transfer_encoding', post('Transfer-Encoding: gzip\r\n', CHUNKS), undefined],
      ['host', 'GET / HTTP/1.1\r\n\r\n', undefined],
      ['expectation', post('Expect: a-miracle\r\nContent-Length: 2\r\n', 'hi'), undefined],
      [
        'connect',
        'CONNECT a:443 HTTP/1.1\r\nHost: b:443\r\n\r\n',
        { method: 'CONNECT', target: 'a:443', host: 'b:443' },
      ],
      ['target_bytes', `GET /${'a'.repeat(20_000)}`, { method: 'GET', target: `/${'a'.repeat(1023)}` }],
      ['header_bytes', get(`X: ${'a'.repeat(40_000)}\r\n`, '/x'), { method: 'GET', target: '/x', host: 'a' }],
      ['header_count', get(lines(30)), undefined],
      ['chunk_size', post('Transfer-Encoding: chunked\r\n', 'x\r\n'), undefined],
      ['chunk_extensions', post('Transfer-Encoding: chunked\r\n', '1;\x01\r\n'), undefined],
      ['chunk_extensions', post('Transfer-Encoding: chunked\r\n', `1;${'a'.repeat(40_000)}\r\n`), undefined],
      ['line_end', post('Transfer-Encoding: chunked\r\n', '1\r\nab\r\n'), undefined],
      ['field', post('Transfer-Encoding: chunked\r\n', '0\r\nX : 1\r\n\r\n'), undefined],
    ])('%s: %j', async (rule, text, ofNode, ofOwn) => {
      // What our own server cannot frame it still knows as a request.
      const other = http1 === 'own' ? ofOwn : undefined
      const glimpse = other === 'handled' ? undefined : (other ?? ofNode)
      const { faults, glimpses, handled } = held
      const before = [faults.length, glimpses.length, handled.length] as const
      const client = await held.client()
      client.send(text)
      await client.ended()
      client.close()
      await settle()
      expect(faults.slice(before[0])).toEqual([rule])
      const nothing = { method: '', target: '', host: '' }
      expect(glimpses.slice(before[1])).toEqual(glimpse === undefined ? [] : [{ ...nothing, ...pickOf(glimpse) }])
      if (glimpse === undefined) expect(handled.at(-1)?.refusal?.rule).toBe(rule)
    })

    /** What a case does not name is what all of them have. */
    const pickOf = (glimpse: Partial<Glimpse>): Partial<Glimpse> =>
      glimpse.method === 'POST'
        ? { target: '/', host: 'a', ...glimpse }
        : { method: glimpse.host === undefined ? '' : 'GET', ...glimpse }

    test('silence and slowness; what is normal is none', async () => {
      const from = held.faults.length
      const silent = await held.client()
      await silent.ended()
      const slow = await held.client()
      expect((await slow.send('GET / HT').answer()).status).toBe(408)
      const cut = await held.client()
      cut.peer.end('GET / HT')
      await cut.ended()
      expect(held.faults.slice(from)).toEqual(['silent', 'slow_head', 'cut_short'])
      // A client that leaves, before its first byte or between requests, and one that does so in a body.
      ;(await held.client()).close()
      const left = await held.client()
      await left.send(get('')).answer()
      left.peer.end()
      await left.ended()
      const half = await held.client()
      half.peer.end(post('Content-Length: 5\r\n', 'x'))
      await half.ended()
      expect(held.faults.length).toBe(from + 3)
    })
  })

  describe('limits', () => {
    test('414 names the limit, for a target that is long and for one that never ends', async () => {
      expect(await refused(get('', `/${'a'.repeat(1024)}`), 414)).toContain('limits.targetBytes (1024)')
      expect(await refused(get('', `/${'a'.repeat(20_000)}`), 414)).toContain('limits.targetBytes (1024)')
      expect(await refused(`GET /${'a'.repeat(20_000)}`, 414)).toContain('limits.targetBytes (1024)')
    })

    test('431 names the limit, for too many fields and for too large ones', async () => {
      const fields = (count: number): string => Array.from({ length: count }, (_, i) => `X-${i}: ${i}\r\n`).join('')
      expect(await refused(get(fields(20)), 431)).toContain('limits.headerCount (20)')
      expect(await refused(get(fields(500)), 431)).toContain('limits.headerCount (20)')
      const cookies = `A: b\r\nCookie: ${'a'.repeat(8190)}\r\nC: d\r\n`
      expect(await refused(get(cookies), 431)).toContain('limits.headerBytes (8192); the largest is Cookie.')
      expect(await refused(get(`X: ${'a'.repeat(40_000)}\r\n`), 431)).toContain('limits.headerBytes (8192)')
      expect(await refused(get(`${'X'.repeat(40_000)}: a\r\n`), 431)).toContain('limits.headerBytes (8192)')
    })

    test('what is just within them passes', async () => {
      const client = await httpClient(held.port)
      client.send(get(`X: ${'a'.repeat(8000)}\r\n`, `/${'a'.repeat(1023)}`))
      expect((await client.answer()).status).toBe(200)
      client.close()
    })

    test('a head that arrives too slowly is 408, a connection that never speaks is closed without a word', async () => {
      expect(await refused('GET / HTTP/1.1\r\nHost: a\r\n', 408)).toContain('timeouts.headers')
      await refused('', 0)
    })
  })

  describe('a broken body', () => {
    test.each([
      ['a chunk size that is none', 'x\r\n'],
      ['a negative chunk size', '-1\r\n'],
      ['a chunk size beyond all numbers', `${'f'.repeat(17)}\r\n`],
      ['bare LF after a chunk size', '1\na\r\n'],
      ['a chunk that is longer than it says', '1\r\nab\r\n'],
      ['bare LF after a chunk', '1\r\na\n0\r\n\r\n'],
      ['extensions without end', `1;${'a'.repeat(40_000)}\r\n`],
    ])('%s is told as malformed and can be answered', async (_name, chunks) => {
      const gone: string[] = []
      const inner = await gate(({ downstream, events }) => {
        events.whenGone = (why) => {
          gone.push(why)
          downstream.closeAfter()
          downstream.discardBody()
          downstream.head(400, ['content-length', '0'])
          downstream.end()
        }
        downstream.startBody()
      })
      const client = await inner.client()
      client.send(post('Transfer-Encoding: chunked\r\n'))
      await inner.request()
      client.send(chunks)
      expect((await client.answer()).status).toBe(400)
      await client.ended()
      expect(gone).toEqual(['malformed'])
      // In one piece it is refused with its head.
      const whole = await inner.client()
      whole.send(post('Transfer-Encoding: chunked\r\n', chunks))
      expect((await whole.answer()).status).toBe(400)
      await whole.ended()
      expect(inner.handled.length).toBe(2)
      await inner.stop()
    })

    test('is told behind an answer that has begun and closes', async () => {
      const inner = await gate(() => {})
      const client = await inner.client()
      client.send(post('Connection: close\r\nTransfer-Encoding: chunked\r\n', '1\r\na\r\n'))
      const { downstream, events } = await inner.request()
      downstream.startBody()
      downstream.head(200, [])
      await until(() => events.body === 'a')
      client.send('x\r\n')
      await until(() => events.gone === 'malformed')
      downstream.reset()
      expect(await client.answer()).toMatchObject({ complete: false })
      await inner.stop()
    })

    test('that ends with the connection is a client that left', async () => {
      const inner = await gate(({ downstream }) => downstream.startBody())
      const client = await inner.client()
      client.send(post('Content-Length: 10\r\n', 'half'))
      const { events } = await inner.request()
      await until(() => events.body === 'half')
      client.peer.end()
      await until(() => events.gone === 'closed')
      await inner.stop()
    })

    test('refuses the requests behind it, and one before its turn itself', async () => {
      const inner = await gate(() => {})
      const client = await inner.client()
      client.send(`${get('')}${post('Transfer-Encoding: chunked\r\n', 'x\r\n')}`)
      const first = await inner.request()
      await settle(50)
      ok(first)
      expect((await client.answer()).status).toBe(200)
      expect((await client.answer()).status).toBe(400)
      await client.ended()
      expect(inner.accepted.length).toBe(1)
      await inner.stop()
    })
  })

  test('a refusal that is answered late is not lost to what the parser says meanwhile', async () => {
    const inner = await gate(ok)
    inner.hesitates = true
    for (const coding of ['gzip', 'identity']) {
      const client = await inner.client()
      client.send(post(`Transfer-Encoding: ${coding}\r\n`, CHUNKS))
      expect((await client.answer()).status).toBe(501)
      await client.ended()
    }
    expect(inner.handled.map(({ events }) => events.names)).toEqual([['sent'], ['sent']])
    await inner.stop()
  })

  test('garbage behind a request waits for its answer', async () => {
    const inner = await gate(() => {})
    const client = await inner.client()
    client.send(`${get('')}garbage\r\n\r\n`)
    const first = await inner.request()
    await settle(50)
    expect(client.rest).toBe('')
    ok(first)
    expect((await client.answer()).status).toBe(200)
    expect((await client.answer()).status).toBe(400)
    await client.ended()
    await inner.stop()
  })

  test('a refusal does not take the answer of the request before it', async () => {
    const inner = await gate(() => {})
    const client = await inner.client()
    client.send(`${get('')}${get('Host: b\r\n')}${get('')}`)
    ok(await inner.request())
    expect((await client.answer()).status).toBe(200)
    expect((await client.answer()).status).toBe(400)
    await client.ended()
    expect(inner.handled.length).toBe(2)
    await inner.stop()
  })
})
