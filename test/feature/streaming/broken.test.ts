import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { httpClient } from '../../kit/client.ts'
import { goesLive } from '../../kit/reload.ts'
import { type LogLine, ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { closedPort, type TcpPeer, type TcpServer, tcpServer } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'

let upstream: TcpServer
let spare: TcpServer
let sluice: Sluice
let generation: number

beforeAll(async () => {
  sluice = await startSluice(`${ONE_WORKER}routes: { all: { match: { path: /* }, respond: {} } }\n`)
})

beforeEach(async () => {
  upstream = await tcpServer()
  spare = await tcpServer((peer) => {
    peer.socket.on('data', () => {
      if (/\r\n\r\n(?:body)?$/.test(peer.text)) peer.send('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nspare')
    })
  })
  generation = await goesLive(
    sluice,
    `${ONE_WORKER}
upstreams:
  app: { endpoints: ["http://127.0.0.1:${upstream.port}"] }
  two: { endpoints: ["http://127.0.0.1:${upstream.port}", { url: "http://127.0.0.1:${spare.port}", tier: 1 }] }
  dead: { endpoints: ["http://127.0.0.1:${await closedPort()}"] }
routes:
  app: { match: { path: /app/* }, to: app, retries: off }
  two: { match: { path: /two/* }, to: two }
  dead: { match: { path: /dead }, to: dead, buffering: { request: off } }
`,
  )
})

afterEach(async () => {
  await upstream.close()
  await spare.close()
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
})

/** The log line of a request of this test. */
function line(path: string): Promise<LogLine> {
  return sluice.line((one) => one.path === path && one.generation === generation)
}

/** The upstream's end of a request that has arrived there with these bytes. */
async function arrived(part: string, index = 0): Promise<TcpPeer> {
  const peer = await upstream.peer(index)
  await peer.receive(part)
  return peer
}

describe('an upstream that breaks in the middle of its answer', () => {
  test.each([
    ['with a length', 'content-length: 100\r\n\r\nhalf of it', 'length'],
    ['in chunks', 'transfer-encoding: chunked\r\n\r\na\r\nhalf of it\r\n', 'chunked'],
  ])('%s: the client sees it broken', async (_name, rest, framing) => {
    const client = await httpClient(sluice.port())
    client.send('GET /app/x HTTP/1.1\r\nHost: a\r\n\r\n')
    const peer = await arrived('GET /app/x')
    peer.send(`HTTP/1.1 200 OK\r\n${rest}`)
    await client.peer.receive('half of it')
    peer.socket.destroy()
    expect(await client.answer()).toMatchObject({ status: 200, framing, body: 'half of it', complete: false })
    const logged = await line('/app/x')
    expect(logged).toMatchObject({
      status: 200,
      reason: 'response_incomplete',
      phase: 'body',
      origin: 'upstream',
      bytes_out: 10,
    })
  })
})

describe('a client that goes away', () => {
  test.each([
    ['while it waits', 'GET /app/x HTTP/1.1\r\nHost: a\r\n\r\n', undefined],
    [
      'in the middle of its upload',
      'POST /app/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n',
      undefined,
    ],
    [
      'in the middle of the answer',
      'GET /app/x HTTP/1.1\r\nHost: a\r\n\r\n',
      'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart',
    ],
  ])('%s: its attempt is ended', async (_name, request, answer) => {
    const client = await httpClient(sluice.port())
    client.send(request)
    const peer = await arrived('/app/x')
    if (answer !== undefined) {
      peer.send(answer)
      await client.peer.receive('part')
    }
    client.peer.reset()
    await until(() => peer.closed || peer.ended, 'the upstream sees the end')
    const logged = await line('/app/x')
    // What the client got: the head, if it was out.
    const status = answer === undefined ? 499 : 200
    expect(logged).toMatchObject({ status, reason: 'client_gone', origin: 'client', attempts: 1 })
    await sluice.shows('sluice_requests_in_flight{route="app"} 0')
  })
})

describe('a request that broke before its answer', () => {
  test.each([
    ['PUT', 'body', 200, 'spare'],
    ['POST', 'body', 502, undefined],
    ['GET', '', 200, 'spare'],
  ])('%s is %s sent to the next endpoint', async (method, body, status, expected) => {
    const client = await httpClient(sluice.port())
    const length = body === '' ? '' : `Content-Length: ${body.length}\r\n`
    client.send(`${method} /two/x HTTP/1.1\r\nHost: a\r\n${length}\r\n${body}`)
    const peer = await arrived(body === '' ? '\r\n\r\n' : body)
    peer.reset()
    const answer = await client.answer(method)
    expect(answer.status).toBe(status)
    if (expected !== undefined) expect(answer.body).toBe(expected)
    if (status === 200) expect(spare.peers[0]?.text).toMatch(new RegExp(`^${method} /two/x[\\s\\S]*\r\n\r\n${body}$`))
    else expect(spare.accepted).toBe(0)
    client.close()
  })

  test('is not sent again when its body was larger than what is kept', async () => {
    const client = await httpClient(sluice.port())
    const size = 200_000
    client.send(`PUT /two/x HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`)
    const peer = await upstream.peer()
    await until(() => peer.received > size, 'the body arrives')
    peer.reset()
    expect((await client.answer('PUT')).status).toBe(502)
    expect(spare.accepted).toBe(0)
    client.close()
  })
})

describe('Expect: 100-continue', () => {
  test('is answered by the gateway, which reads the body ahead: an upstream gets it whole', async () => {
    const client = await httpClient(sluice.port())
    client.send('POST /app/x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n')
    expect((await client.answer()).status).toBe(100)
    expect(upstream.accepted).toBe(0)
    client.send('body')
    const peer = await arrived('body')
    expect(peer.text.toLowerCase()).not.toContain('expect:')
    peer.send('HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n')
    expect((await client.answer()).status).toBe(201)
    client.close()
  })

  test('is not, where none is and the route reads no body ahead: it never comes', async () => {
    const client = await httpClient(sluice.port())
    client.send('POST /dead HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n')
    expect((await client.answer()).status).toBe(502)
    client.close()
  })
})

test('102 and 103 are relayed, and trailers', async () => {
  const client = await httpClient(sluice.port())
  client.send('GET /app/x HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: te\r\n\r\n')
  const peer = await arrived('GET /app/x')
  peer.send('HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n')
  expect((await client.answer()).status).toBe(102)
  expect(await client.answer()).toMatchObject({ status: 103, headers: ['link', '</a.css>'] })
  peer.send('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n')
  expect(await client.answer()).toMatchObject({ status: 200, body: 'ok', complete: true, trailers: ['x-sum', '7'] })
  client.close()
})
