import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type HttpClient, httpClient } from '../../kit/client.ts'
import { ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { type TcpPeer, type TcpServer, tcpServer } from '../../kit/tcp.ts'

const FIRST = 65_536
const ROUNDS = 4

let upstream: TcpServer
let sluice: Sluice
let client: HttpClient
/** Connections of tests before: each answer ends its own. */
let before: number

beforeAll(async () => {
  upstream = await tcpServer()
  sluice = await startSluice(`${ONE_WORKER}
upstreams: { app: { endpoints: ["http://127.0.0.1:${upstream.port}"] } }
routes:
  on: { match: { path: /on }, to: app, retries: off }
  off: { match: { path: /off }, to: app, retries: off, buffering: off }
`)
})

beforeEach(async () => {
  before = upstream.accepted
  client = await httpClient(sluice.port())
})

afterEach(() => client.close())

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
  await upstream.close()
})

/** The upstream's end of the request that has arrived there with these bytes. */
async function arrived(part: string): Promise<TcpPeer> {
  const peer = await upstream.peer(before)
  await peer.receive(part)
  return peer
}

function head(path: string, ...fields: readonly string[]): string {
  return [`POST ${path} HTTP/1.1`, 'Host: a', ...fields, '', ''].join('\r\n')
}

const CHUNKED = ['Transfer-Encoding: chunked', 'TE: trailers', 'Connection: te']
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`

// Each side goes on only when it has what the other one sent: by order, not by time.
test.each([
  ['without buffering, before any byte of the upload', '/off', '', ''],
  ['behind 100 ms without a byte', '/on', chunk('first'), 'first'],
  ['behind the first 64 KiB', '/on', chunk('x'.repeat(FIRST)), 'x'.repeat(100)],
])('%s both ways flow at once, with the trailers of both', async (_what, path, first, seen) => {
  client.send(head(path, ...CHUNKED, 'Trailer: x-up') + first)
  const peer = await arrived(seen === '' ? '\r\n\r\n' : seen)
  peer.send('HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: x-down\r\n\r\n')
  await client.peer.receive('200 OK')
  for (let i = 0; i < ROUNDS; i++) {
    client.send(chunk(`up ${i};`))
    await peer.receive(`up ${i};`)
    peer.send(chunk(`down ${i};`))
    await client.peer.receive(`down ${i};`)
  }
  client.send('0\r\nx-up: 1\r\n\r\n')
  await peer.receive('x-up: 1\r\n')
  peer.send('0\r\nx-down: 2\r\n\r\n')
  const body = Array.from({ length: ROUNDS }, (_, i) => `down ${i};`).join('')
  expect(await client.answer('POST')).toMatchObject({
    status: 200,
    body,
    complete: true,
    trailers: ['x-down', '2'],
  })
})

test.each(['/off', '/on'])('an answer that is whole before the upload comes at once: %s', async (path) => {
  client.send(`${head(path, `Content-Length: ${2 * FIRST}`)}${'x'.repeat(FIRST)}`)
  const peer = await arrived('x'.repeat(100))
  peer.send('HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 5\r\n\r\nlarge')
  expect(await client.answer('POST')).toMatchObject({ status: 413, body: 'large', complete: true })
})

test.each(['/off', '/on'])('events come one by one while the upload goes on: %s', async (path) => {
  client.send(head(path, ...CHUNKED) + chunk('first'))
  const peer = await arrived('first')
  peer.send(
    'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n',
  )
  for (let i = 0; i < ROUNDS; i++) {
    peer.send(chunk(`data: ${i}\n\n`))
    await client.peer.receive(`data: ${i}\n\n`)
    client.send(chunk(`up ${i};`))
    await peer.receive(`up ${i};`)
  }
  client.send('0\r\n\r\n')
  peer.send('0\r\n\r\n')
  expect(await client.answer('POST')).toMatchObject({ status: 200, complete: true })
})

test('without buffering the client is told to go on when a connection is there', async () => {
  client.send(head('/off', 'Content-Length: 4', 'Expect: 100-continue'))
  expect((await client.answer('POST')).status).toBe(100)
  await upstream.peer(before)
  client.send('body')
  const peer = await arrived('body')
  peer.send('HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  expect((await client.answer('POST')).status).toBe(201)
})
