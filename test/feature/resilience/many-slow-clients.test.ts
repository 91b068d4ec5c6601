import { afterAll, beforeAll, expect, test } from 'vitest'
import { type HttpClient, httpClient } from '../../kit/client.ts'
import { ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { type TcpPeer, tcpConnect } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

/** More than the route has permits and the endpoint connections: 1,024 of each by default. */
const SLOW = 1_100
const UPLOADS = [
  'POST /app/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nhalf',
  'POST /app/slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
]

let upstream: TestUpstream
let sluice: Sluice
const peers: TcpPeer[] = []
let other: HttpClient

beforeAll(async () => {
  upstream = await testUpstream((request, response) => {
    request.resume()
    request.on('end', () => response.end('ok'))
  })
  sluice = await startSluice(`${ONE_WORKER}overload: { mode: shadow }
upstreams:
  app: { endpoints: ["http://127.0.0.1:${upstream.port}"] }
routes:
  app: { match: { path: /app/* }, to: app }
`)
  other = await httpClient(sluice.port(), '127.0.0.2')
})

afterAll(async () => {
  other.close()
  for (const peer of peers) peer.socket.destroy()
  await sluice.stop()
  await upstream.close()
})

async function status(): Promise<number> {
  other.send('GET /app/quick HTTP/1.1\r\nHost: a\r\n\r\n')
  return (await other.answer()).status
}

test.each(UPLOADS)(
  '%j of 1,100 clients on one route: others are served before any of them is ended',
  async (request) => {
    const first = peers.length
    for (let i = 0; i < SLOW; i += 50)
      peers.push(...(await Promise.all(Array.from({ length: 50 }, () => tcpConnect(sluice.port())))))
    const before = await ended()
    for (const peer of peers.slice(first)) peer.send(request)
    // Of the chunked ones only some go to the endpoint: half of its connections, and those that wait for one of them.
    await until(async () => (await seen(/sluice_requests_in_flight\{route="app"\} (\d+)/)) > 500, 'they are held up')
    for (let i = 0; i < 20; i++) expect(await status()).toBe(200)
    expect(await ended()).toBe(before)
    for (const peer of peers.splice(first)) peer.socket.destroy()
    await until(async () => (await seen(/sluice_requests_in_flight\{route="app"\} (\d+)/)) === 0, 'all have left')
    await until(
      async () => (await seen(/sluice_buffered_bytes\{worker="0",body="request"\} (\d+)/)) === 0,
      'nothing stays',
    )
  },
  60_000,
)

async function ended(): Promise<number> {
  return await seen(/reason="stalled_client"\} (\d+)/)
}

async function seen(series: RegExp): Promise<number> {
  const { body } = await sluice.probe('/metrics')
  return Number(series.exec(body)?.[1] ?? 0)
}
