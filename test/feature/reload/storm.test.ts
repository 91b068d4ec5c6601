import { type ClientRequest, request, type ServerResponse } from 'node:http'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Load } from '../../kit/load.ts'
import { rss } from '../../kit/memory.ts'
import { metric } from '../../kit/reload.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

const RELOADS = 100
/** Every tenth config is a bad one. */
const BAD_EACH = 10
const STREAMS = 20

let upstream: TestUpstream
let broken: TestUpstream
let sluice: Sluice
const streams: ServerResponse[] = []

beforeAll(async () => {
  upstream = await testUpstream((req, res) => {
    if (req.url === '/events') {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write('data: 0\n\n')
      streams.push(res)
    } else if (req.url === '/slow') setTimeout(() => res.end('slow'), 150)
    else if (req.method === 'POST') req.pipe(res)
    else res.end('fast')
  })
  broken = await testUpstream((_req, res) => void res.writeHead(503).end())
  sluice = await startSluice(yaml(0))
})

afterAll(async () => {
  for (const res of streams) res.destroy()
  await sluice.stop()
  await upstream.close()
  await broken.close()
})

function yaml(n: number): string {
  return `${TOP.replace('timeout: 5s', 'timeout: 2s')}watch: off
# A busy machine is overload: answers would end their connections, and clients come back to the other worker.
overload: { mode: shadow }
upstreams:
  app: { endpoints: ["${upstream.url}"], connections: { keepAlive: 60s } }
  sick: { endpoints: ["${broken.url}"] }
routes:
  app: { match: { path: /* }, to: app }
  sick: { match: { path: /sick }, to: sick, retries: off, circuitBreaker: { openFor: 10m, maxOpenFor: 10m } }
  changing: { match: { path: /changing }, to: app, rewrite: { path: /v${n} }, bulkhead: { maxConcurrent: ${500 + n} } }
  new-${n}: { match: { path: /new-${n} }, respond: { status: 200, body: "${n}" } }
`
}

interface Stream {
  readonly sent: ClientRequest
  text: string
  ended: boolean
}

function stream(): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: sluice.port(), path: '/events', agent: false }, (answer) => {
      const one: Stream = { sent, text: '', ended: false }
      answer.setEncoding('utf8').on('data', (part: string) => {
        one.text += part
      })
      answer.on('close', () => {
        one.ended = true
      })
      answer.on('error', () => {})
      resolve(one)
    })
    sent.on('error', reject).end()
  })
}

it('100 reloads in a row, a tenth of them bad, touch no request, no connection, no breaker, no stream', async () => {
  await until(async () => (await sluice.get('/sick')).body.includes('breaker_open'), 'the breaker opens')
  const open = await Promise.all(Array.from({ length: STREAMS }, stream))
  const port = sluice.port()
  const loads = [
    new Load({ port, path: '/fast', parallel: 12 }),
    new Load({ port, path: '/changing', parallel: 8 }),
    new Load({ port, path: '/upload', method: 'POST', parallel: 4 }),
    new Load({ port, path: '/slow', parallel: 8 }),
  ]
  const memory: number[] = []
  const refused: number[] = []
  for (let n = 1; n <= RELOADS; n++) {
    const bad = n % BAD_EACH === 0
    const { status } = await sluice.command('config', {
      yaml: bad ? yaml(n).replace('to: app', 'to: nowhere') : yaml(n),
    })
    expect(status).toBe(bad ? 422 : 200)
    if (bad) refused.push(n)
    else if (n % 7 === 0) expect((await sluice.get(`/new-${n}`)).body).toBe(String(n))
    if (n % (RELOADS / 4) === 0) memory.push(await rss(sluice.pid))
  }
  await Promise.all(loads.map((load) => load.more(20)))
  await Promise.all(loads.map((load) => load.stop()))

  expect(refused).toHaveLength(RELOADS / BAD_EACH)
  for (const load of loads) {
    expect(load.broken, load.summary).toEqual([])
    expect([...load.statuses.keys()]).toEqual([200])
  }
  for (const res of streams) res.write('data: last\n\n')
  await until(() => open.every(({ text }) => text.includes('data: last')), 'every stream goes on')
  expect(open.filter(({ ended }) => ended)).toEqual([])
  // One for each thing in flight at a time and worker at the most: none was closed and opened again.
  expect(upstream.accepted).toBeLessThanOrEqual(STREAMS + 12 + 8 + 4 + 8)
  expect((await sluice.get('/sick')).body).toContain('breaker_open')
  const seen = broken.seen.length
  await sluice.get('/sick')
  expect(broken.seen).toHaveLength(seen)
  expect(await metric(sluice, 'sluice_config_last_reload_successful')).toBe(0)
  // The second half of the reloads doesn't need more than the first did, but for noise of the collector: that what is smallest of
  // the end is larger than what was largest of the beginning is no noise.
  const [first = 0, half = 0, third = 0, end = 0] = memory
  expect(Math.min(third, end)).toBeLessThan(Math.max(first, half) * 1.3)
}, 120_000)
