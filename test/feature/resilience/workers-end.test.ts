import { afterEach, beforeEach, expect, test } from 'vitest'
import { type HookedGateway, hookedGateway } from '../../kit/gateway.ts'
import { Load } from '../../kit/load.ts'
import { TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

const PARALLEL = 24

let upstream: TestUpstream
let gateway: HookedGateway

beforeEach(async () => {
  upstream = await testUpstream((_req, res) => void res.end('ok'))
  gateway = await hookedGateway(`${TOP.replace('workers: 2', 'workers: 3')}
upstreams: { app: { endpoints: ["${upstream.url}"] } }
routes: { app: { match: { path: /* }, to: app } }
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
  await until(async () => (await values('sluice_requests_in_flight')).join() === '0', 'none is in flight')
  await until(
    async () => (await values('sluice_connections')).every((value) => value === 0),
    'no connection is counted',
  )
  const reasons = await gateway.metrics()
  expect(reasons).toMatch(/sluice_worker_restarts_total\{reason="exit"\} 3/)
  expect(reasons).toMatch(/sluice_worker_restarts_total\{reason="error"\} 3/)
}, 120_000)

test('workers that hang: the control plane answers meanwhile; not ready after 5 s, replaced after 10 s, then all is as before', async () => {
  const held = await fetch(`http://127.0.0.1:${gateway.port}/`)
  expect(held.status).toBe(200)
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
  await until(async () => (await values('sluice_requests_in_flight')).join() === '0', 'none is in flight')
}, 90_000)
