import { afterAll, beforeAll, expect, test } from 'vitest'
import { type HttpClient, httpClient } from '../../kit/client.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { type TcpPeer, tcpConnect } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

/**
 * How a client stalls. Each has a route with one permit, so that it takes all of it; they are so many that some have it in the other
 * worker. `sent` follows the head, and `every` comes each second.
 */
interface Kind {
  readonly what: string
  readonly head: string
  readonly sent?: string
  readonly every?: string
  /** Its answer has begun: it can only be broken. */
  readonly broken?: true
}

const KINDS: readonly Kind[] = [
  { what: 'sends nothing of a body', head: 'POST PATH HTTP/1.1\r\nContent-Length: 100000\r\n' },
  { what: 'sends half of it', head: 'PUT PATH HTTP/1.1\r\nContent-Length: 100000\r\n', sent: 'x'.repeat(50_000) },
  {
    what: 'sends a byte now and then',
    head: 'POST PATH HTTP/1.1\r\nTransfer-Encoding: chunked\r\n',
    every: '1\r\nx\r\n',
  },
  { what: 'asks to go on and does not', head: 'POST PATH HTTP/1.1\r\nContent-Length: 9\r\nExpect: 100-continue\r\n' },
  { what: 'reads nothing', head: 'GET PATH/large HTTP/1.1\r\n', broken: true },
  { what: 'reads nothing of chunks', head: 'GET PATH/chunks HTTP/1.1\r\n', broken: true },
  { what: 'reads nothing to the end of the connection', head: 'GET PATH/chunks HTTP/1.0\r\n', broken: true },
  {
    what: 'goes on sending when its answer has begun',
    head: 'POST PATH/early HTTP/1.1\r\nContent-Length: 100000\r\n',
    every: 'x',
    broken: true,
  },
]
const ROUTES = KINDS.length
/** More than the sockets in between take. */
const LARGE = Buffer.alloc(16 * 1024 * 1024)

let upstream: TestUpstream
let sluice: Sluice
const peers: TcpPeer[] = []
const intervals: NodeJS.Timeout[] = []
const clients: HttpClient[] = []

beforeAll(async () => {
  upstream = await testUpstream((request, response) => {
    request.resume()
    const [, , how] = (request.url as string).split('/')
    if (how === 'early') response.writeHead(200).write('begun')
    request.on('end', () => {
      if (how === 'chunks') response.write(LARGE)
      response.end(how === 'large' ? LARGE : 'ok')
    })
  })
  const narrow = Array.from({ length: ROUTES }, (_, i) => {
    return `  r${i}: { match: { path: '/r${i}/*' }, to: app, bulkhead: { maxConcurrent: 1 }, buffering: off }`
  })
  // A machine that has too much to do is not what this is about.
  sluice = await startSluice(`${TOP}overload: { mode: shadow }
upstreams:
  app: { endpoints: ["http://127.0.0.1:${upstream.port}"] }
  narrow: { endpoints: ["http://127.0.0.1:${upstream.port}"], connections: { max: 16 } }
routes:
  pool: { match: { path: /pool/* }, to: narrow, buffering: off }
${narrow.join('\n')}
`)
})

afterAll(async () => {
  for (const interval of intervals) clearInterval(interval)
  for (const client of clients) client.close()
  for (const peer of peers) peer.socket.destroy()
  await sluice.stop()
  await upstream.close()
})

async function stall(path: string, { every, head, sent = '' }: Kind): Promise<TcpPeer> {
  const peer = await tcpConnect(sluice.port())
  peers.push(peer)
  if (head.startsWith('GET')) peer.socket.pause()
  peer.send(`${head.replace('PATH', path)}Host: a.test\r\n\r\n${sent}`)
  if (every !== undefined) intervals.push(setInterval(() => peer.send(every), 1000))
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
  const stalled = await Promise.all(KINDS.map((kind, i) => stall(`/r${i}`, kind)))
  // More than there are connections, so that some wait: in one worker at least all are taken.
  const readers = await Promise.all(Array.from({ length: 20 }, () => stall('/pool', KINDS[4] as Kind)))
  await inFlight(ROUTES + readers.length)
  const begun = performance.now()
  const waiting = Promise.all(Array.from({ length: 8 }, () => probe('/pool/small')))
  expect(await probe('/r0/'), 'there is no permit yet').toBe(503)
  for (let i = 0; i < ROUTES; i++)
    await until(async () => (await probe(`/r${i}/`)) === 200, `it gives way: ${KINDS[i]?.what}`)
  expect(performance.now() - begun, 'nobody is ended before it has stalled for 5 s').toBeGreaterThan(4_000)
  expect(new Set(await waiting)).toEqual(new Set([200]))
  for (const [i, { broken, what }] of KINDS.entries()) {
    // The permit was given back: nobody takes it any more.
    expect(await probe(`/r${i}/`), what).toBe(200)
    const line = await sluice.line(({ reason, route }) => reason === 'stalled_client' && route === `r${i}`)
    expect(line, what).toMatchObject({ status: broken ? 200 : 408, phase: broken ? 'body' : 'send', origin: 'client' })
    if (broken) continue
    expect(await (stalled[i] as TcpPeer).receiveAll(), what).toMatch(/408 .*"reason":"stalled_client"/s)
  }
  await sluice.line(({ reason, route }) => reason === 'stalled_client' && route === 'pool')
  const { body } = await sluice.probe('/metrics')
  expect(body).toMatch(/sluice_requests_total\{[^}]*status="408",reason="stalled_client"\} 1/)
  expect(body).not.toMatch(/sluice_breaker_transitions_total\{[^}]*\} [1-9]/)
}, 60_000)
