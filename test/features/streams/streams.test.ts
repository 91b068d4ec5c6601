import { type IncomingMessage, request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

let upstream: TestUpstream
let sluice: Sluice

beforeAll(async () => {
  upstream = await testUpstream((req, res) => {
    if (req.url?.startsWith('/events') !== true) {
      res.end('done')
      return
    }
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.write('data: 1\n\n')
  })
  sluice = await startSluice(`${TOP}
upstreams:
  app: { endpoints: ["${upstream.url}"], bulkhead: { maxConcurrent: 1 } }
routes:
  events: { match: { path: /* }, to: app, bulkhead: { maxConcurrent: 1 }, streams: { max: 2 } }
  shadow: { match: { path: /events/shadow }, to: app, streams: { max: 1, mode: shadow } }
`)
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
  await upstream.close()
})

/** Opens a stream and waits for its head. */
function open(path = '/events'): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: sluice.port(), path, agent: false }, (answer) => resolve(answer.resume()))
      .on('error', reject)
      .end()
  })
}

async function metric(name: string): Promise<number> {
  const { body } = await sluice.probe('/metrics')
  return Number(new RegExp(`^${name}\\{route="events"\\} (\\d+)`, 'm').exec(body)?.[1])
}

/**
 * Waits until the request before has given back its permits, that of the route and that of the upstream: it does once its
 * answer has gone, which a client may see sooner.
 */
async function permitsBack(streams: number): Promise<void> {
  await sluice.shows(
    'sluice_bulkhead_in_flight{route="events"} 0\n',
    `sluice_requests_in_flight{route="events"} ${streams}\n`,
  )
}

test('streams hold no permit, are counted apart, and are bounded by streams.max', async () => {
  const first = await open()
  const second = await open()
  expect([first.statusCode, second.statusCode]).toEqual([200, 200])
  expect(await metric('sluice_streams')).toBe(2)
  expect(await metric('sluice_bulkhead_in_flight')).toBe(0)
  expect((await sluice.get('/other')).status).toBe(200)
  await permitsBack(2)
  const third = await sluice.get('/events')
  expect(third.status).toBe(503)
  expect(JSON.parse(third.body)).toMatchObject({ reason: 'streams_full', retryable: true })
  expect(third.headers['retry-after']).toBe('5')
  first.destroy()
  await until(async () => (await metric('sluice_streams')) === 1, 'the first has left')
  await permitsBack(1)
  const fourth = await open()
  expect(fourth.statusCode).toBe(200)
  for (const stream of [second, fourth]) stream.destroy()
  await until(async () => (await metric('sluice_streams')) === 0, 'all have left')
  await permitsBack(0)
  expect((await sluice.get('/other')).status).toBe(200)
  await permitsBack(0)
})

test('what was refused has let go of its connection', async () => {
  const both = [await open(), await open()]
  await sluice.get('/events')
  await until(() => upstream.sockets.size <= 3, 'the refused stream is closed upstream')
  await until(() => upstream.seen.filter(({ aborted }) => aborted).length >= 1, 'it saw that')
  for (const stream of both) stream.destroy()
})

test('shadow only counts', async () => {
  const both = [await open('/events/shadow'), await open('/events/shadow')]
  expect(both.map(({ statusCode }) => statusCode)).toEqual([200, 200])
  await sluice.shows('sluice_rejections_total{route="shadow",policy="streams",reason="streams_full",mode="shadow"} 1')
  for (const stream of both) stream.destroy()
})
