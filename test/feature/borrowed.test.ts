import { createServer } from 'node:http'
import { createServer as createHttp2 } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import fastify from 'fastify'
import { afterEach, describe, expect, test } from 'vitest'
import { Stage } from '../../src/core/pressure.ts'
import { BorrowedGate, type Lender } from '../kit/borrowed.ts'
import { field, type HttpClient } from '../kit/client.ts'
import { echo, type GateOptions, type Handled, ok, type Respond, reply } from '../kit/ingress.ts'
import { testAuthority } from '../kit/tls.ts'
import { settle, until } from '../kit/until.ts'

let held: BorrowedGate

const open = async (respond: Respond = ok, lender?: Lender, options?: GateOptions): Promise<HttpClient> => {
  held = await new BorrowedGate(respond, lender).start(options)
  return held.client()
}

afterEach(() => held.stop())

const get = (target: string, fields = ''): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`

describe('requests of a server of someone else', () => {
  test('are answered one after another on their connection, pipelined too', async () => {
    const client = await open(({ downstream }) => reply(downstream, 200, downstream.target))
    client.send([1, 2, 3].map((i) => get(`/${i}`)).join(''))
    for (const i of [1, 2, 3]) expect((await client.answer()).body).toBe(`/${i}`)
    client.send(`POST /4 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody`)
    expect((await client.answer()).body).toBe('/4')
    expect((await client.send(get('/5')).answer()).body).toBe('/5')
  })

  test('keep the fields that the application has set, unless the answer has them itself', async () => {
    const client = await open(
      ({ downstream }) => reply(downstream, 200, 'ok', ['x-both', 'sluice']),
      (requests) =>
        createServer((req, res) => {
          res.setHeader('X-App', 'one').setHeader('X-Both', 'app')
          requests.handle(req, res)
        }),
    )
    const answer = await client.send(get('/')).answer()
    expect([field(answer, 'x-app'), field(answer, 'x-both'), answer.body]).toEqual(['one', 'sluice', 'ok'])
  })

  test('get 100 Continue once, whoever of both sends it', async () => {
    const client = await open(echo)
    client.send('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n')
    expect((await client.answer()).status).toBe(100)
    expect(await client.send('body').answer()).toMatchObject({ status: 200, body: 'body' })
    expect(client.rest).toBe('')
  })

  test('that break a rule are refused, and counted', async () => {
    const client = await open()
    expect((await client.send('GET / HTTP/1.1\r\nHost: a b\r\n\r\n').answer()).body).toContain('bad_request')
    expect(held.faults).toEqual(['host'])
  })

  test('with more fields than the limits of the listener are refused', async () => {
    const client = await open(ok, undefined, { limits: { headerCount: 3 } })
    expect((await client.send(get('/', 'a: 1\r\nb: 2\r\nc: 3\r\n')).answer()).body).toContain('headers_too_large')
  })

  test('whose body breaks are told as clients that left', async () => {
    const client = await open(() => {})
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
    const { downstream, events } = await held.request()
    downstream.startBody()
    client.send('no chunk\r\n')
    await until(() => events.gone !== undefined)
    expect(events.gone).toBe('closed')
  })

  test('that are refused in the middle of a large body get the whole answer', async () => {
    const client = await open(({ downstream }) => reply(downstream, 413, 'too large'))
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n')
    for (let i = 0; i < 20; i++) client.send(Buffer.alloc(1_000_000))
    expect(await client.answer()).toMatchObject({ status: 413, body: 'too large' })
    client.peer.end()
    await client.ended()
  })

  test('are refused while draining, with Connection: close, and while overloaded answers close their connections', async () => {
    const client = await open()
    held.pressure.stage = Stage.close
    expect(field(await client.send(get('/')).answer(), 'connection')).toBe('close')
    held.pressure.stage = Stage.none
    held.requests.drain()
    const other = await held.client()
    const answer = await other.send(get('/')).answer()
    expect([answer.status, field(answer, 'connection')]).toEqual([503, 'close'])
    expect(answer.body).toContain('draining')
  })

  test('whose body was read before are refused with an error that says so', async () => {
    const errors: unknown[] = []
    const client = await open(ok, (requests) =>
      createServer(async (req, res) => {
        for await (const _ of req);
        try {
          requests.handle(req, res)
        } catch (error) {
          errors.push(error)
          res.writeHead(500).end()
        }
      }),
    )
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody')
    expect((await client.answer()).status).toBe(500)
    expect(errors).toEqual([expect.any(TypeError)])
    expect(String(errors[0])).toContain('before its body is parsed')
    expect((await client.send(get('/')).answer()).status).toBe(200)
  })

  test('over TLS are told as secure', async () => {
    const { cert, key } = testAuthority().issue('127.0.0.1')
    held = await new BorrowedGate(ok, (requests) =>
      createHttps({ cert, key }, (req, res) => requests.handle(req, res)),
    ).start()
    const { request } = await import('node:https')
    const status = await new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port: held.port, path: '/', rejectUnauthorized: false }, (res) => {
        res.resume()
        resolve(res.statusCode)
      })
        .on('error', reject)
        .end()
    })
    expect(status).toBe(200)
    expect(held.handled[0]?.downstream.peer).toMatchObject({ address: '127.0.0.1', secure: true, listener: 'web' })
  })

  test('that Fastify injects are answered', async () => {
    held = await new BorrowedGate(echo).start()
    const app = fastify()
    app.addHook('onRequest', (request, reply) => {
      reply.hijack()
      held.requests.handle(request.raw, reply.raw)
    })
    app.all('/*', () => {})
    const answer = await app.inject({ method: 'POST', url: '/a', payload: 'body' })
    expect(held.handled[0]?.events.trailers).toEqual([])
    expect([answer.statusCode, answer.body]).toEqual([200, 'body'])
    held.respond = ({ downstream }: Handled) => downstream.reset()
    await expect(app.inject({ url: '/a' })).rejects.toThrow('destroyed')
    await app.close()
  })

  test('of HTTP/2 get 505', async () => {
    held = await new BorrowedGate(ok).start()
    const server = createHttp2((req, res) => held.requests.handle(req as never, res as never))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { connect } = await import('node:http2')
    const session = connect(`http://127.0.0.1:${(server.address() as { port: number }).port}`)
    const stream = session.request({ ':path': '/' })
    const status = await new Promise((resolve) => stream.on('response', (head) => resolve(head[':status'])))
    session.destroy()
    await new Promise((resolve) => server.close(resolve))
    expect(status).toBe(505)
    expect(held.handled).toEqual([])
  })
})

describe('offers to upgrade', () => {
  const upgrading: Lender = (requests) =>
    createServer((req, res) => requests.handle(req, res)).on('upgrade', (req, socket) => requests.upgrade(req, socket))
  const offer = (fields = ''): string => get('/', `Connection: Upgrade\r\nUpgrade: websocket\r\n${fields}`)

  test('are answered as if there were none, and close their connections', async () => {
    const client = await open(ok, upgrading)
    const answer = await client.send(offer()).answer()
    expect([answer.status, answer.body, field(answer, 'connection')]).toEqual([200, 'ok', 'close'])
    const { events } = held.handled[0] as Handled
    await until(() => events.sent === 1)
    await client.ended()
  })

  test('with a body are refused', async () => {
    const client = await open(ok, upgrading)
    expect((await client.send(offer('Content-Length: 4\r\n')).answer()).body).toContain('not_implemented')
  })

  test('whose client leaves are told', async () => {
    const client = await open(() => {}, upgrading)
    client.send(offer())
    const { events } = await held.request()
    client.peer.reset()
    await until(() => events.gone === 'closed')
    await settle()
    expect(events.names).toEqual(['gone'])
  })
})
