import { afterEach, beforeEach, expect, test } from 'vitest'
import { type HttpClient, httpClient } from '../../kit/client.ts'
import { type HookedGateway, hookedGateway } from '../../kit/gateway.ts'
import { Load } from '../../kit/load.ts'
import { TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

const PARALLEL = 24

let upstream: TestUpstream
let gateway: HookedGateway

beforeEach(async () => {
  upstream = await testUpstream((req, res) => {
    if (req.url?.endsWith('/held') !== true) res.end('ok')
  })
  gateway = await hookedGateway(`${TOP.replace('workers: 2', 'workers: 3')}
upstreams: { app: { endpoints: ["${upstream.url}"] } }
routes:
  app: { match: { path: /* }, to: app, slo: { availability: 99% } }
  other: { match: { path: /other/* }, to: app }
`)
})

afterEach(async () => {
  await gateway.stop()
  await upstream.close()
})

/** Values of all series of a metric. */
async function values(metric: string): Promise<number[]> {
  const body = await gateway.metrics()
  return [...body.matchAll(new RegExp(`^${metric}(?:\\{.*\\})? (.+)$`, 'gm'))].map((match) => Number(match[1]))
}

async function serving(): Promise<boolean> {
  return (await gateway.workers()).every(({ state }) => state === 'serving')
}

test('workers that end in a loop under load: only what they had in hand fails, and nothing stays held', async () => {
  const load = new Load({ port: gateway.port, path: '/', parallel: PARALLEL })
  const rounds = 6
  for (let round = 0; round < rounds; round++) {
    await load.more(200)
    gateway.gateway.hook(round % 3, round % 2 === 0 ? 'exit' : 'throw')
    await until(
      async () => (await values('sluice_worker_restarts_total')).reduce((a, b) => a + b, 0) > round,
      `restart ${round + 1}`,
    )
    await until(serving, `all workers serve again after round ${round}`)
  }
  await load.more(500)
  await load.stop()
  // A worker takes at most the connections that it had, each with one request in flight.
  expect(load.broken.length, load.summary).toBeLessThanOrEqual(rounds * PARALLEL)
  // What an uncaught error caught before its head is answered.
  expect(
    [...load.statuses.keys()].filter((status) => status !== 200 && status !== 500),
    load.summary,
  ).toEqual([])
  expect(load.statuses.get(200)).toBeGreaterThan(1500)
  await until(
    async () => (await values('sluice_requests_in_flight')).every((value) => value === 0),
    'none is in flight',
  )
  await until(
    async () => (await values('sluice_connections')).every((value) => value === 0),
    'no connection is counted',
  )
  await gateway.shows(
    'sluice_worker_restarts_total{reason="exit"} 3\n',
    'sluice_worker_restarts_total{reason="error"} 3\n',
  )
}, 120_000)

test('requests that end with their worker are counted once, charged to objectives, and told by route', async () => {
  const clients: HttpClient[] = []
  const ask = async (path: string): Promise<void> => {
    const client = await httpClient(gateway.port)
    clients.push(client.send(`GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`))
  }
  for (let i = 0; i < 9; i++) await ask('/held')
  for (let i = 0; i < 4; i++) await ask('/other/held')
  await until(
    async () => (await values('sluice_requests_in_flight')).reduce((a, b) => a + b, 0) === 13,
    '13 are in flight',
  )
  for (const worker of [0, 1, 2]) gateway.gateway.hook(worker, 'exit')
  await until(async () => (await values('sluice_worker_restarts_total')).reduce((a, b) => a + b, 0) === 3, 'restarts')
  await until(serving, 'all workers serve again')
  await gateway.shows(
    'sluice_requests_total{route="app",method="-",status="500",reason="worker_lost"} 9\n',
    'sluice_requests_total{route="other",method="-",status="500",reason="worker_lost"} 4\n',
    'sluice_slo_events_total{route="app",objective="availability",result="bad"} 9\n',
  )
  expect((await values('sluice_requests_in_flight')).every((value) => value === 0)).toBe(true)
  const told = gateway.log.lines.filter(({ fields }) => fields.reason === 'worker_lost')
  const byRoute = (route: string): number =>
    told.reduce((sum, { fields }) => sum + (fields.route === route ? Number(fields.requests) : 0), 0)
  expect([byRoute('app'), byRoute('other')]).toEqual([9, 4])
  // What the worker could still record stays what it was.
  await ask('/held')
  await until(async () => (await values('sluice_requests_in_flight')).includes(1), 'one is in flight')
  for (const worker of [0, 1, 2]) gateway.gateway.hook(worker, 'throw')
  await until(async () => (await values('sluice_worker_restarts_total')).reduce((a, b) => a + b, 0) === 6, 'restarts')
  await gateway.shows(
    'sluice_requests_total{route="app",method="GET",status="500",reason="internal"} 1\n',
    'reason="worker_lost"} 9\n',
  )
  for (const client of clients) client.close()
}, 60_000)

test('workers that hang: the control plane answers meanwhile; not ready after 5 s, replaced after 10 s, then all is as before', async () => {
  const held = await fetch(`http://127.0.0.1:${gateway.port}/`)
  expect(held.status).toBe(200)
  await gateway.shows('sluice_requests_total')
  for (const worker of [0, 1, 2]) gateway.gateway.hook(worker, 'block', 60_000)
  await until(async () => (await gateway.probe('readyz')) === 503, 'not ready')
  expect(await gateway.probe('livez')).toBe(200)
  expect(await gateway.metrics()).toContain('sluice_requests_total')
  // Connections that the kernel hands to a worker that hangs wait for its replacement.
  const waiting = Promise.allSettled(Array.from({ length: 12 }, () => fetch(`http://127.0.0.1:${gateway.port}/late`)))
  await until(async () => (await gateway.probe('readyz')) === 200, 'ready again')
  await until(serving, 'all workers serve again')
  await waiting
  expect((await fetch(`http://127.0.0.1:${gateway.port}/`)).status).toBe(200)
  expect(await gateway.metrics()).toMatch(/sluice_worker_restarts_total\{reason="hung"\} 3/)
  await until(
    async () => (await values('sluice_requests_in_flight')).every((value) => value === 0),
    'none is in flight',
  )
}, 90_000)
