import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { type TcpPeer, tcpConnect } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

/** Clients that do their worst, over real sockets: breaker and outlier detection are as they are by default. */

let sluice: Sluice
const upstreams: TestUpstream[] = []

beforeAll(async () => {
  for (let i = 0; i < 2; i++) {
    upstreams.push(
      await testUpstream((req, res) => {
        if (req.url === '/slow') setTimeout(() => res.end('late'), 400)
        else if (req.url === '/close' || req.url === '/busy') {
          setTimeout(() => (req.url === '/close' ? req.destroy() : res.writeHead(503).end('busy')), 400)
          req.resume()
        } else if (req.url === '/large') res.end(Buffer.alloc(5_000_000))
        else req.resume().on('end', () => res.end('ok'))
      }),
    )
  }
  upstreams.push(await testUpstream((req) => void req.resume()))
  sluice =
    await startSluice(`${TOP.replace(/^listeners:\n.*$/m, 'listeners:\n  web: { listen: "127.0.0.1:0", timeouts: { body: 300ms } }')}
trust: { proxies: [127.0.0.1/32] }
overload: { mode: shadow }
upstreams:
  app: { endpoints: [${upstreams
    .slice(0, 2)
    .map(({ url }) => `"${url}"`)
    .join(', ')}] }
  half: { endpoints: ["${upstreams[2]?.url}", "${upstreams[0]?.url}"], loadBalancing: { algorithm: round-robin } }
routes:
  half: { match: { path: /half }, to: half, hedge: { delay: 100ms } }
  app: { match: { path: /* }, to: app, timeouts: { idle: 1s, minRate: { window: 1s } } }
`)
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
  for (const upstream of upstreams) await upstream.close()
})

/** Sum of a metric’s series. */
async function figure(name: string): Promise<number> {
  const { body } = await sluice.probe('/metrics')
  return [...body.matchAll(new RegExp(`^${name}\\{.*\\} (\\d+)`, 'gm'))].reduce((sum, m) => sum + Number(m[1]), 0)
}

const ended = (): Promise<number> => figure('sluice_requests_total')

const head = (line: string, fields = ''): string => `${line} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`
const CHUNKED = head('POST /', 'Transfer-Encoding: chunked\r\n')
const SIZED = head('POST /', 'Content-Length: 100000\r\n')

const send = (text: string) => (peer: TcpPeer) => peer.send(text)
const reset = (peer: TcpPeer): void => peer.reset()

/** What is sent, and what the client does once its request is there, again and again until its connection has ended. */
const CLIENTS: readonly { does: string; sends: string; acts?: (peer: TcpPeer) => void }[] = [
  { does: 'sends no chunk size', sends: CHUNKED, acts: send('ZZZ\r\n') },
  { does: 'sends no chunk size at once', sends: `${CHUNKED}ZZZ\r\n` },
  { does: 'sends a bad chunk size after a good chunk', sends: `${CHUNKED}3\r\nabc\r\n`, acts: send('-1\r\n') },
  { does: 'sends a chunk that is longer than it says', sends: `${CHUNKED}1\r\na`, acts: send('bc\r\n') },
  { does: 'sends trailers that are none', sends: `${CHUNKED}1\r\na\r\n`, acts: send('0\r\n\x00:\r\n\r\n') },
  { does: 'falls silent in a chunk', sends: `${CHUNKED}ff\r\nabc` },
  { does: 'falls silent in a body', sends: `${SIZED}abc` },
  { does: 'falls silent in front of it', sends: SIZED },
  {
    does: 'expects 100-continue and sends nothing',
    sends: head('POST /', 'Content-Length: 5\r\nExpect: 100-continue\r\n'),
  },
  {
    does: 'sends so little that the upstream breaks it off',
    sends: head('POST /close', 'Content-Length: 9999\r\n'),
    acts: send('x'),
  },
  {
    does: 'sends so little that the upstream answers with 503',
    sends: head('POST /busy', 'Content-Length: 9999\r\n'),
    acts: send('x'),
  },
  { does: 'sends below the minimum rate', sends: `${SIZED}abc`, acts: send('x') },
  { does: 'leaves in a body', sends: `${SIZED}abc`, acts: reset },
  { does: 'ends its side in a body', sends: `${SIZED}abc`, acts: (peer) => peer.end() },
  { does: 'leaves before the answer', sends: head('GET /slow'), acts: reset },
  { does: 'leaves in the answer', sends: head('GET /large'), acts: reset },
  { does: 'reads nothing', sends: head('GET /large'), acts: (peer) => void peer.socket.pause() },
  { does: 'gives no time', sends: head('GET /slow', 'sluice-timeout-ms: 30\r\nConnection: close\r\n') },
]

test.each(CLIENTS)('30 times one that $does: the others are served', async ({ sends, acts }) => {
  const before = await ended()
  const peers = await Promise.all(Array.from({ length: 30 }, () => tcpConnect(sluice.port())))
  for (const peer of peers) peer.send(sends)
  // What is reset before it was read is no request.
  await until(async () => (await ended()) + (await figure('sluice_requests_in_flight')) >= before + 30, 'all have come')
  const acting = setInterval(() => {
    for (const peer of peers) if (!peer.closed && !peer.ended) acts?.(peer)
  }, 100)
  await until(async () => (await ended()) >= before + 30, 'all have ended')
  clearInterval(acting)
  for (const peer of peers) peer.socket.destroy()
  const answers = await Promise.all(Array.from({ length: 20 }, () => sluice.get('/')))
  expect(answers.map(({ body }) => body)).toEqual(new Array(20).fill('ok'))
})

test('no breaker has opened, no endpoint was ejected', async () => {
  const body = await sluice.shows(
    /^sluice_breaker_state\{.*state="closed"\} 1$/m,
    /^sluice_attempts_total\{.*"ignored"\} \d/m,
  )
  expect(body).not.toMatch(/^sluice_ejections_total\{.* [1-9]/m)
  expect(body).not.toMatch(/^sluice_breaker_transitions_total\{.* [1-9]/m)
})

test('short hedges do not hide an endpoint that hangs', async () => {
  const half = /^sluice_ejections_total\{upstream="half".* [1-9]/m
  await until(async () => {
    expect((await sluice.get('/half')).body).toBe('ok')
    return half.test((await sluice.probe('/metrics')).body)
  }, 'it is ejected')
})
