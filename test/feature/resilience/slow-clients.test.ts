import { afterAll, beforeAll, expect, test } from 'vitest'
import { type HttpClient, httpClient } from '../../kit/client.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { type TcpPeer, tcpConnect } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

/** Each with one permit, so that one client takes all of it; so many that some have it in the other worker. */
const ROUTES = 6
/** More than the sockets in between take. */
const LARGE = Buffer.alloc(16 * 1024 * 1024)

let upstream: TestUpstream
let sluice: Sluice
const peers: TcpPeer[] = []
const clients: HttpClient[] = []

beforeAll(async () => {
  upstream = await testUpstream((request, response) => {
    request.resume()
    request.on('end', () => response.end(request.url === '/pool/large' ? LARGE : 'ok'))
  })
  const narrow = Array.from({ length: ROUTES }, (_, i) => {
    return `  r${i}: { match: { path: /r${i} }, to: app, bulkhead: { maxConcurrent: 1 } }`
  })
  sluice = await startSluice(`${TOP}upstreams:
  app: { endpoints: ["http://127.0.0.1:${upstream.port}"] }
  narrow: { endpoints: ["http://127.0.0.1:${upstream.port}"], connections: { max: 16 } }
routes:
  pool: { match: { path: /pool/* }, to: narrow }
${narrow.join('\n')}
`)
})

afterAll(async () => {
  for (const client of clients) client.close()
  for (const peer of peers) peer.socket.destroy()
  await sluice.stop()
  await upstream.close()
})

/** A client that sends a head with a body that it never sends, or that never reads its answer. */
async function stall(head: string): Promise<TcpPeer> {
  const peer = await tcpConnect(sluice.port())
  peers.push(peer)
  if (head.startsWith('GET')) peer.socket.pause()
  peer.send(`${head} HTTP/1.1\r\nHost: a.test\r\n${head.startsWith('POST') ? 'Content-Length: 100000\r\n' : ''}\r\n`)
  return peer
}

async function inFlight(count: number): Promise<void> {
  const seen = async (): Promise<number> => {
    const { body } = await sluice.probe('/metrics')
    return [...body.matchAll(/^sluice_requests_in_flight\{[^}]*\} (\d+)/gm)].reduce((sum, [, n]) => sum + Number(n), 0)
  }
  await until(async () => (await seen()) === count, `${count} requests in flight`)
}

/** A request from another address, on a connection of its own. */
async function probe(path: string): Promise<number> {
  const client = await httpClient(sluice.port(), '127.0.0.2')
  clients.push(client)
  client.send(`GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`)
  const { status } = await client.answer()
  client.close()
  return status
}

test('clients that stall give way to others: their permits, in whichever worker, and their connections', async () => {
  const uploads = await Promise.all(Array.from({ length: ROUTES }, (_, i) => stall(`POST /r${i}`)))
  // More than there are connections, so that some wait: in one worker at least all are taken.
  const readers = await Promise.all(Array.from({ length: 20 }, () => stall('GET /pool/large')))
  await inFlight(ROUTES + readers.length)
  const begun = performance.now()
  const waiting = Promise.all(Array.from({ length: 8 }, () => probe('/pool/small')))
  expect(await probe('/r0'), 'there is no permit yet').toBe(503)
  for (let i = 0; i < ROUTES; i++) await until(async () => (await probe(`/r${i}`)) === 200, `r${i} is free`)
  expect(performance.now() - begun, 'nobody is ended before it has stalled for 5 s').toBeGreaterThan(4_000)
  expect(new Set(await waiting)).toEqual(new Set([200]))
  for (let i = 0; i < ROUTES; i++) {
    // The permit was given back: nobody takes it any more.
    expect(await probe(`/r${i}`)).toBe(200)
    expect(await (uploads[i] as TcpPeer).receiveAll()).toMatch(/^HTTP\/1\.1 408 .*"reason":"stalled_client"/s)
  }
  const lines = sluice.log.filter(({ reason }) => reason === 'stalled_client')
  expect(lines.filter(({ method }) => method === 'POST')).toHaveLength(ROUTES)
  expect(lines.find(({ method }) => method === 'POST')).toMatchObject({ status: 408, phase: 'send', origin: 'client' })
  await sluice.line(({ method, reason }) => method === 'GET' && reason === 'stalled_client')
  expect(lines.find(({ method }) => method === 'GET')).toMatchObject({ status: 200, phase: 'body', origin: 'client' })
  const { body } = await sluice.probe('/metrics')
  expect(body).toMatch(/sluice_requests_total\{[^}]*status="408",reason="stalled_client"\} 1/)
  expect(body).not.toMatch(/sluice_breaker_transitions_total\{[^}]*\} [1-9]/)
}, 60_000)
