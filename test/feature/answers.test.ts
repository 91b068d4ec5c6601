import { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { field, fields, httpClient, type WireAnswer } from '../kit/client.ts'
import { type Sluice, startSluice, TOP } from '../kit/sluice.ts'
import { type TcpPeer, type TcpServer, tcpServer } from '../kit/tcp.ts'
import { testAuthority } from '../kit/tls.ts'
import { until } from '../kit/until.ts'

/** What the upstream answers, by path; `{scheme}` and `{port}` are its own, `{prefix}` what X-Forwarded-Prefix says. */
const ANSWERS: Record<string, string> = {
  '/latin1': '200 OK\r\nContent-Length: 4\r\nContent-Disposition: attachment; filename="caf\xe9.txt"\r\n\r\nbody',
  '/utf8': '200 OK\r\nContent-Length: 4\r\nContent-Disposition: attachment; filename="caf\xc3\xa9.txt"\r\n\r\nbody',
  '/not-modified': '304 Not Modified\r\nTrailer: X-Sum\r\nContent-Length: 9\r\nContent-Disposition: \xe9\r\n\r\n',
  '/no-content': '204 No Content\r\nTrailer: X-Sum\r\n\r\n',
  '/trailer': '200 OK\r\nTrailer: X-Sum\r\nContent-Length: 4\r\n\r\nbody',
  '/trailers':
    '200 OK\r\nConnection: X-Hop\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n4 ; a = b\r\nbody\r\n0\r\n' +
    'X-Sum: caf\xe9\r\nContent-Length: 9\r\nTransfer-Encoding: gzip\r\nX-Hop: 1\r\nSet-Cookie: a=1\r\nsluice-request-id: forged\r\n\r\n',
  '/broken': '200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody!',
  '/garbage': '200 OK\r\nX-A: \x00',
  '/early': `103 Early Hints\r\nLink: </\xe9>\r\nContent-Length: 9\r\nsluice-new: forged\r\n\r\n${'HTTP/1.1 103 E\r\n\r\n'.repeat(500)}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody`,
  '/home':
    '302 Found\r\nLocation: {scheme}://127.0.0.1:{port}/login\r\nSet-Cookie: a=1; Path=/; Domain=app.internal\r\nContent-Length: 0\r\n\r\n',
  '/aware':
    '302 Found\r\nLocation: {prefix}/login\r\nContent-Location: {scheme}://127.0.0.1:{port}{prefix}/x\r\nContent-Length: 0\r\n\r\n',
  '/unaware': '302 Found\r\nLocation: /login\r\nRefresh: 1; url=//127.0.0.1:{port}/x\r\nContent-Length: 0\r\n\r\n',
}

let upstream: TcpServer
let sluice: Sluice

function serve(peer: TcpPeer): void {
  let at = 0
  peer.socket.on('data', () => {
    const end = peer.text.indexOf('\r\n\r\n', at)
    if (end === -1) return
    const head = peer.text.slice(at, end)
    at = end + 4
    const prefix = /^x-forwarded-prefix: (.*)$/im.exec(head)?.[1] ?? ''
    if (head.startsWith('POST')) {
      peer.send('HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 9\r\n\r\ntoo large')
      peer.reset()
      return
    }
    const text = ANSWERS[(head.split(' ')[1] as string).replace('/app', '')] as string
    peer.send(
      `HTTP/1.1 ${text
        .replaceAll('{scheme}', peer.socket instanceof TLSSocket ? 'https' : 'http')
        .replaceAll('{port}', String(upstream.port))
        .replaceAll('{prefix}', prefix)}`,
    )
  })
}

const PAIR = testAuthority().issue('127.0.0.1')

describe.each(['http', 'https'])('over %s', (scheme) => {
  beforeAll(async () => {
    upstream = await tcpServer(serve, scheme === 'https' ? PAIR : undefined)
    sluice = await startSluice(`${TOP}
upstreams:
  app: { endpoints: ["${scheme}://127.0.0.1:${upstream.port}"], tls: { verify: false }, outlierDetection: off }
defaults: { route: { retries: off, circuitBreaker: off } }
routes:
  app: { match: { path: /app/* }, to: app }
  own: { match: { path: /own/* }, to: app, rewrite: { stripPrefix: /own, cookies: { path: { from: /, to: /own }, domain: { from: app.internal, to: off } } } }
  paths: { match: { path: /paths/* }, to: app, rewrite: { stripPrefix: /paths, redirects: paths } }
  kept: { match: { path: /kept/* }, to: app, rewrite: { stripPrefix: /kept, redirects: off } }
`)
  })

  afterAll(async () => {
    expect(await sluice.stop()).toBe(0)
    await upstream.close()
  })

  /** 1xx answers, then the final one. */
  async function ask(path: string, protocol = 'HTTP/1.1', method = 'GET'): Promise<WireAnswer[]> {
    const client = await httpClient(sluice.port())
    client.send(`${method} ${path} ${protocol}\r\nHost: shop.test\r\n\r\n`)
    const answers: WireAnswer[] = []
    do answers.push(await client.answer(method))
    while ((answers.at(-1) as WireAnswer).status < 200)
    client.close()
    return answers
  }

  async function last(path: string, protocol?: string, method?: string): Promise<WireAnswer> {
    return (await ask(path, protocol, method)).at(-1) as WireAnswer
  }

  interface Told {
    readonly timeline: readonly Readonly<Record<string, unknown>>[]
  }

  /** What the flight recorder kept of a request; workers hand it over a little later. */
  async function flight(id: string): Promise<Told> {
    let body = ''
    await until(async () => {
      const answer = await sluice.admin(`/api/v1/requests/${id}`)
      body = answer.body
      return answer.status === 200
    }, `the story of ${id}`)
    return (JSON.parse(body) as { requests: [Told] }).requests[0]
  }

  describe('of an answer of an upstream', () => {
    test('fields go on octet for octet', async () => {
      expect(field(await last('/app/latin1'), 'content-disposition')).toBe('attachment; filename="caf\xe9.txt"')
      expect(field(await last('/app/utf8'), 'content-disposition')).toBe('attachment; filename="caf\xc3\xa9.txt"')
      expect(field(await last('/app/not-modified'), 'content-disposition')).toBe('\xe9')
    })

    test.each<[path: string, status: number, protocol: string, method: string]>([
      ['/app/not-modified', 304, 'HTTP/1.1', 'GET'],
      ['/app/no-content', 204, 'HTTP/1.1', 'GET'],
      ['/app/trailer', 200, 'HTTP/1.1', 'GET'],
      ['/app/trailer', 200, 'HTTP/1.1', 'HEAD'],
      ['/app/trailer', 200, 'HTTP/1.0', 'GET'],
    ])('%s has no Trailer where none can follow: %i to %s %s', async (path, status, protocol, method) => {
      const answer = await last(path, protocol, method)
      expect(answer).toMatchObject({ status, complete: true })
      expect(fields(answer, 'trailer')).toEqual([])
    })

    test('trailers and 1xx lose what is not end to end', async () => {
      const answer = await last('/app/trailers')
      expect(field(answer, 'trailer')).toBe('X-Sum')
      expect(answer).toMatchObject({ body: 'body', complete: true, trailers: ['X-Sum', 'caf\xe9'] })
      const all = await ask('/app/early')
      expect(all[0]).toMatchObject({ status: 103, headers: ['Link', '</\xe9>'] })
      expect(all.length).toBe(101)
    })

    test.each([
      ['/app/broken', 'chunk: longer than its size'],
      ['/app/garbage', 'field X-A: control character, or bare LF'],
    ])('what cannot be parsed is a 502 before anything was sent, and operators learn why: %s', async (path, rule) => {
      const answer = await last(path)
      expect(answer).toMatchObject({ status: 502, complete: true })
      expect(answer.body).not.toContain(rule.slice(0, 5))
      const line = await sluice.line((entry) => entry.path === path)
      expect(line).toMatchObject({ status: 502, reason: 'bad_response', origin: 'upstream', rule })
      const told = await flight(String(line.request_id))
      expect(told.timeline.filter((event) => event.kind === 'attempt' || event.kind === 'failed')).toMatchObject([
        { reason: 'bad_response', rule },
        { reason: 'bad_response', rule },
      ])
      await until(() => sluice.operational.some(({ message }) => message === 'an upstream sent a malformed answer'))
    })

    test('one that came before a reset reaches the client in the middle of its upload', async () => {
      for (let round = 0; round < 20; round++) {
        const client = await httpClient(sluice.port())
        client.send('POST /app/upload HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 4000000\r\n\r\n')
        client.send(Buffer.alloc(4_000_000))
        expect(await client.answer()).toMatchObject({ status: 413, body: 'too large', complete: true })
        client.close()
      }
    })

    test('places at the upstream become places at the gateway', async () => {
      const own = await last('/own/home')
      expect([field(own, 'location'), field(own, 'set-cookie')]).toEqual(['/own/login', 'a=1; Path=/own/'])
      expect(field(await last('/app/home'), 'location')).toBe('/login')
      expect(field(await last('/kept/home'), 'location')).toBe(`${scheme}://127.0.0.1:${upstream.port}/login`)
      expect(field(await last('/own/unaware'), 'location')).toBe('/login')
      expect(field(await last('/own/unaware'), 'refresh')).toBe('1; url=/own/x')
      expect(field(await last('/paths/unaware'), 'location')).toBe('/paths/login')
    })

    test('an application that honours X-Forwarded-Prefix gets no second prefix', async () => {
      for (const route of ['/own', '/paths']) {
        const answer = await last(`${route}/aware`)
        expect([field(answer, 'location'), field(answer, 'content-location')]).toEqual([`${route}/login`, `${route}/x`])
      }
    })
  })
})
