import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { field, type HttpClient, httpClient, type WireAnswer } from '../kit/client.ts'
import { HTTP1 } from '../kit/ingress.ts'
import { type Sluice, startSluice, TOP } from '../kit/sluice.ts'
import { type SeenRequest, seenField, type TestUpstream, testUpstream } from '../kit/upstream.ts'

let upstream: TestUpstream
let sluice: Sluice
let client: HttpClient

beforeAll(async () => {
  upstream = await testUpstream((req, res, seen) => {
    req.on('end', () => res.writeHead(200).end(`${seen.method} ${seen.target} ${seen.body}`))
  })
  sluice = await startSluice(`${TOP}
trust: { proxies: [127.0.0.2] }
upstreams:
  app: { endpoints: ["${upstream.url}"] }
routes:
  all: { match: { path: /* }, to: app }
  some: { match: { path: /some, methods: [GET, OPTIONS, PUT] }, to: app }
  traced: { match: { path: /traced, methods: [TRACE, GET, OPTIONS] }, to: app }
  admin: { match: { hosts: [Admin.test., "[2001:0DB8::0:1]"] }, respond: { status: 403 } }
  shop: { match: { path: /shop/* }, to: app, rewrite: { stripPrefix: /shop } }
  user:
    match: { path: /user, headers: { x-user: { absent: true } } }
    to: app
    headers: { request: { set: { x-tenant: ours }, remove: [x.debug] } }
`)
})

afterAll(async () => {
  client.close()
  expect(await sluice.stop()).toBe(0)
  await upstream.close()
})

async function ask(request: string, body = ''): Promise<WireAnswer> {
  client?.close()
  client = await httpClient(sluice.port())
  const answer = client.send(`${request}\r\n${body}`).answer(request.slice(0, request.indexOf(' ')))
  return await answer
}

const last = (): SeenRequest => upstream.seen.at(-1) as SeenRequest
const up = (name: string): string | undefined => seenField(last(), name)

describe('trailers of a request', () => {
  const chunked = (head: string, trailers: string): Promise<WireAnswer> =>
    ask(`PUT /x HTTP/1.1\r\nHost: a\r\n${head}Transfer-Encoding: chunked\r\n`, `3\r\nabc\r\n0\r\n${trailers}\r\n`)

  test('go on in chunks, octet for octet, with their announcement', async () => {
    const answer = await chunked('Trailer: X-Sum\r\ntrailer: x-b , Host\r\n', 'X-Sum: caf\xe9\r\nx-b:\r\nx-sum: 2\r\n')
    expect(answer.body).toBe('PUT /x abc')
    expect(up('trailer')).toBe('X-Sum, x-b')
    expect(last().trailers).toEqual(['X-Sum', 'caf\xe9', 'x-b', '', 'x-sum', '2'])
  })

  test('bring nothing that their head could not, or is judged there', async () => {
    const forged = [
      // node:http takes these for a part of the head, and refuses them.
      ...(HTTP1 === 'own' ? ['Content-Length', 'Transfer-Encoding'] : []),
      ...[
        'Host',

        'Authorization',
        'Cookie',
        'Via',
        'X-Forwarded-For',
        'X_Real_IP',
      ],
      ...['Sluice-Attempt', 'Traceparent', 'X-Correlation-Id', 'Proxy', 'Forwarded', 'X-User', 'x.user', 'X-Tenant'],
      ...['X.Debug', 'X-Hop', 'Connection', 'Keep-Alive', 'X-Own'],
    ].map((name) => `${name}: ${name === 'Connection' ? 'X-Own' : 'forged'}\r\n`)
    await chunked('Connection: X-Hop\r\nTrailer: Host, X-User\r\n', `${forged.join('')}X-Last: 1\r\n`)
    expect(last().trailers).toEqual(['X-Last', '1'])
    expect(up('trailer')).toBe(undefined)
  })

  test('are announced only where they can follow', async () => {
    await ask('PUT /x HTTP/1.1\r\nHost: a\r\nTrailer: X-Sum\r\nContent-Length: 3\r\n', 'abc')
    expect(up('trailer')).toBe(undefined)
  })
})

describe('forwarding fields', () => {
  test('of strangers are replaced or dropped, whatever their name and spelling', async () => {
    const forged = [
      ...['For', 'Proto', 'Host', 'Port', 'Prefix', 'User', 'Email', 'Client-Cert', 'Ssl', 'Scheme', 'Server'],
    ].flatMap((name) => [`X-Forwarded-${name}: forged\r\n`, `X_Forwarded_${name}: forged\r\n`])
    const others = ['X-Real-IP', 'X-Client-IP', 'X-Original-URL', 'X-Rewrite-URL', 'Proxy', 'Forwarded', 'x_real_ip']
    await ask(
      `GET /x HTTP/1.1\r\nHost: Shop.test:8443\r\n${forged.join('')}${others.map((name) => `${name}: forged\r\n`).join('')}`,
    )
    expect(JSON.stringify(last())).not.toContain('forged')
    expect(up('host')).toBe('Shop.test:8443')
    expect(up('x-forwarded-host')).toBe('Shop.test:8443')
    expect(up('x-forwarded-port')).toBe('8443')
    expect(up('x-forwarded-proto')).toBe('http')
    expect(up('x-real-ip')).toBe('127.0.0.1')
  })

  test('of a trusted peer are kept, appended to, and told apart from the client’s own', async () => {
    const headers = {
      host: 'inner.test:8080',
      'x-forwarded-for': '6.6.6.6, 203.0.113.9',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'shop.test',
      'x-forwarded-prefix': '/outer/',
      'x-forwarded-user': 'ada',
      'x-real-ip': '6.6.6.6',
      x_real_ip: '6.6.6.6',
      proxy: 'http://evil.test',
    }
    const peer = request({
      port: sluice.port(),
      host: '127.0.0.1',
      localAddress: '127.0.0.2',
      path: '/shop/x',
      headers,
    })
    const [answer] = (await once(peer.end(), 'response')) as [IncomingMessage]
    answer.resume()
    expect([up('x-forwarded-for'), up('x-real-ip')]).toEqual(['6.6.6.6, 203.0.113.9, 127.0.0.2', '203.0.113.9'])
    expect([up('x-forwarded-proto'), up('x-forwarded-host'), up('x-forwarded-port')]).toEqual([
      'https',
      'shop.test',
      '443',
    ])
    expect([up('x-forwarded-prefix'), up('x-forwarded-user')]).toEqual(['/outer/shop', 'ada'])
    expect([up('x_real_ip'), up('proxy')]).toEqual([undefined, undefined])
  })

  test('HTTP/1.0 without Host: the endpoint’s authority goes up', async () => {
    expect((await ask('GET /x HTTP/1.0\r\n')).status).toBe(200)
    expect(up('host')).toBe(new URL(upstream.url).host)
    expect(up('x-forwarded-host')).toBe(undefined)
    expect(up('x-forwarded-port')).toBe('80')
  })

  test('a stripped prefix is told', async () => {
    await ask('GET /shop/cart?x HTTP/1.1\r\nHost: a\r\nX-Forwarded-Prefix: /forged\r\n')
    expect([last().target, up('x-forwarded-prefix')]).toEqual(['/cart?x', '/shop'])
    await ask('GET /shopping HTTP/1.1\r\nHost: a\r\nX-Forwarded-Prefix: /forged\r\n')
    expect([last().target, up('x-forwarded-prefix')]).toEqual(['/shopping', undefined])
  })

  test('what a route judges, sets or removes has no other spelling', async () => {
    const spelt =
      'X_User: f\r\nx.user: f\r\nX_Tenant: f\r\nX-Tenant: f\r\nx-debug: f\r\nX_Debug: f\r\nX.Debug: f\r\nx_else: 1\r\n'
    await ask(`GET /user HTTP/1.1\r\nHost: a\r\n${spelt}`)
    const { headers } = last()
    expect(headers.filter((_, i) => i % 2 === 1)).not.toContain('f')
    expect([up('x-tenant'), up('x_else')]).toEqual(['ours', '1'])
  })
})

describe('hosts', () => {
  test.each([
    ...['admin.test', 'ADMIN.Test', 'admin.test.', 'admin.test:80', 'admin.test.:8080', 'admin.test:'],
    ...['[2001:db8::1]', '[2001:DB8:0:0::1]:80', '[2001:0db8:0000:0000:0000:0000:0000:0001]', '[2001:db8::0.0.0.1]'],
  ])('%s finds its route, as field and in the target', async (host) => {
    expect((await ask(`GET /x HTTP/1.1\r\nHost: ${host}\r\n`)).status).toBe(403)
    expect((await ask(`GET http://${host}/x HTTP/1.1\r\nHost: other\r\n`)).status).toBe(403)
  })

  test.each(['admin.test..', '.admin.test', 'admin..test', '[2001:db8:::1]', '[1.2.3.4]', 'admin.test:99999'])(
    '%s is no host',
    async (host) => {
      expect((await ask(`GET /x HTTP/1.1\r\nHost: ${host}\r\n`)).status).toBe(400)
      expect((await ask(`GET http://${host}/x HTTP/1.1\r\nHost: other\r\n`)).status).toBe(400)
    },
  )
})

describe('an offer to upgrade', () => {
  test.each(['TLS/1.2', 'h2c', 'foo/1, h2c'])('%s is dropped, and the request served', async (protocol) => {
    const offer = `Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAA\r\nUpgrade: ${protocol}\r\n`
    const answer = await ask(`POST /x HTTP/1.1\r\nHost: a\r\n${offer}Content-Length: 4\r\n`, 'body')
    expect(answer).toMatchObject({ status: 200, body: 'POST /x body' })
    for (const name of ['upgrade', 'http2-settings']) expect(up(name)).toBe(undefined)
    expect(up('connection')?.toLowerCase() ?? '').not.toContain('upgrade')
  })
})

describe('TE', () => {
  test('of the right form goes on, in the right form', async () => {
    await ask('GET /x HTTP/1.1\r\nHost: a\r\nTE: gzip, trailers\r\nConnection: TE\r\n')
    expect([up('te'), up('connection')]).toEqual(['trailers', 'te'])
  })

  test('that Connection does not name gains none', async () => {
    await ask('GET /x HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n')
    expect(up('te')).toBe(undefined)
    expect(up('connection') ?? '').not.toContain('te')
  })
})

describe('a trace, with tracing off', () => {
  const ID = '4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7'
  const told = async (...fields: string[]): Promise<(string | undefined)[]> => {
    await ask(`GET /x HTTP/1.1\r\nHost: a\r\n${fields.map((line) => `${line}\r\n`).join('')}`)
    return [up('traceparent'), up('tracestate')]
  }

  test.each([
    `00-${ID}-00`,
    `00-${ID}-01`,
    `00-${ID}-02`,
    `00-${ID}-ff`,
    `01-${ID}-01`,
    `cc-${ID}-01-more.of=it`,
    `cc-${ID}-09-`,
  ])('%s passes unchanged, with its state', async (parent) => {
    expect(await told(`TraceParent: ${parent}`, 'TRACESTATE: foo@=1 , 0b=2')).toEqual([parent, 'foo@=1 , 0b=2'])
  })

  test.each([
    ['none', []],
    ['of version ff', [`traceparent: ff-${ID}-01`]],
    ['of version 00 with more', [`traceparent: 00-${ID}-01-x`]],
    ['of another version with more of another kind', [`traceparent: cc-${ID}-01x`]],
    ['twice', [`traceparent: 00-${ID}-01`, `traceparent: 00-${ID}-01`]],
    ['twice in one line', [`traceparent: 00-${ID}-01,00-${ID}-01`]],
    ['in capitals', [`traceparent: 00-${ID.toUpperCase()}-01`]],
    ['of zeros', [`traceparent: 00-${'0'.repeat(32)}-00f067aa0ba902b7-01`]],
    ['from zeros', [`traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`]],
    ['cut short', [`traceparent: 00-${ID}`]],
    ['by another name', [`trace-parent: 00-${ID}-01`, `traceparent_: 00-${ID}-01`]],
    ['empty', ['traceparent:']],
  ])('%s: neither it nor its state passes, and none is made', async (_, fields) => {
    expect(await told(...fields, 'tracestate: a=1')).toEqual([undefined, undefined])
  })

  test.each([
    [['tracestate: a=1', 'TraceState:   b=2  ', 'tracestate:', 'tracestate: a=3,,'], 'a=1,b=2,,a=3,,'],
    [['tracestate: foo.bar=1'], undefined],
    [['tracestate:'], undefined],
    [
      [
        `tracestate: ${Array.from({ length: 16 }, (_, i) => `a${i}=1`)}`,
        `tracestate: ${Array.from({ length: 16 }, (_, i) => `b${i}=1`)}`,
      ],
      [...Array.from({ length: 16 }, (_, i) => `a${i}=1`), ...Array.from({ length: 16 }, (_, i) => `b${i}=1`)].join(),
    ],
    [[`tracestate: ${Array.from({ length: 32 }, (_, i) => `a${i}=1`)}`, 'tracestate: b=1'], undefined],
    [[`tracestate: ${'z'.repeat(256)}=${'v'.repeat(256)}`], `${'z'.repeat(256)}=${'v'.repeat(256)}`],
    [[`tracestate: ${'z'.repeat(257)}=1`], undefined],
  ])('%j beside a valid parent: %s', async (fields, state) => {
    expect(await told(`traceparent: 00-${ID}-01`, ...fields)).toEqual([`00-${ID}-01`, state])
  })
})

describe('Max-Forwards', () => {
  test('of OPTIONS: the last hop answers, others count down', async () => {
    const before = upstream.seen.length
    const answer = await ask('OPTIONS /some HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n')
    expect([answer.status, field(answer, 'allow')]).toEqual([204, 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT'])
    expect((await ask('OPTIONS /x HTTP/1.1\r\nHost: a\r\nmax-forwards: 000\r\n')).status).toBe(204)
    expect(upstream.seen.length).toBe(before)
    expect((await ask('OPTIONS /some HTTP/1.1\r\nHost: a\r\nMax-Forwards: 1\r\n')).body).toContain('OPTIONS')
    expect(up('max-forwards')).toBe('0')
  })

  test('says nothing about other methods', async () => {
    expect((await ask('GET /x HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n')).status).toBe(200)
    expect(up('max-forwards')).toBe('0')
  })
})

describe('TRACE', () => {
  test('is refused with what else is allowed, unless a route names it', async () => {
    const refused = await ask('TRACE /x HTTP/1.1\r\nHost: a\r\nCookie: secret\r\n')
    expect([refused.status, field(refused, 'allow')]).toEqual([405, 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT'])
    expect(refused.body).not.toContain('secret')
    expect((await ask('TRACE /some HTTP/1.1\r\nHost: a\r\n')).status).toBe(405)
    expect((await ask('TRACE /traced HTTP/1.1\r\nHost: a\r\nMax-Forwards: 3\r\n')).status).toBe(200)
    expect([last().method, up('max-forwards')]).toEqual(['TRACE', '2'])
  })

  test('that may go no further is not reflected here', async () => {
    const answer = await ask('TRACE /traced HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n')
    expect(answer.status).toBe(405)
    expect(field(answer, 'allow')).not.toContain('TRACE')
  })
})
