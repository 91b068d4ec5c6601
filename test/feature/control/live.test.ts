import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LiveFigures } from '../../../src/control/seeing/live/figures.ts'
import { type HookedGateway, hookedGateway } from '../../kit/gateway.ts'
import { TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

let upstream: TestUpstream
let gateway: HookedGateway
let held: (() => void)[]

beforeEach(async () => {
  held = []
  upstream = await testUpstream((request, answer) => {
    answer.statusCode = request.url?.startsWith('/bad') === true ? 500 : 200
    if (request.url === '/good?held') held.push(() => answer.end('ok'))
    else answer.end('ok')
  })
  gateway = await hookedGateway(`${TOP}
upstreams:
  shop: { endpoints: ["http://127.0.0.1:${upstream.port}"] }
routes:
  good: { match: { path: /good }, to: shop, bulkhead: { maxConcurrent: 7 } }
  bad: { match: { path: /bad }, to: shop }
  idle: { match: { path: /idle }, to: shop }
`)
})

afterEach(async () => {
  await gateway.stop()
  await upstream.close()
})

async function live(): Promise<LiveFigures> {
  const answer = await fetch(`http://127.0.0.1:${gateway.facts.admin.port}/api/v1/live`)
  return (await answer.json()) as LiveFigures
}

async function ask(path: string): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${gateway.port}${path}`)
  await answer.text()
  return answer.status
}

test('what routes and upstreams counted, over all workers, and how they are now', async () => {
  for (let i = 0; i < 6; i++) await ask('/good')
  for (let i = 0; i < 3; i++) await ask('/bad')
  await ask('/nothing')
  await until(async () => {
    const seen = (await live()).routes
    const sum = (of: 'requests' | 'inFlight' | 'permits') => seen.reduce((all, route) => all + (route[of] ?? 0), 0)
    return sum('requests') === 10 && sum('inFlight') + sum('permits') === 0
  })
  const { at, generation, hash, routes, upstreams, workers } = await live()
  expect(Math.abs(Date.now() - at)).toBeLessThan(30_000)
  expect([generation, hash?.length]).toEqual([1, 64])
  expect(routes.map(({ name, requests, errors, statuses }) => ({ name, requests, errors, statuses }))).toEqual([
    { name: 'good', requests: 6, errors: 0, statuses: { '2xx': 6 } },
    { name: 'bad', requests: 3, errors: 3, statuses: { '5xx': 3 } },
    { name: 'idle', requests: 0, errors: 0, statuses: {} },
    { name: '-', requests: 1, errors: 0, statuses: { '4xx': 1 } },
  ])
  const [good, bad, idle] = routes
  expect([good?.permits, good?.limit, bad?.limit]).toEqual([0, 7, 1024])
  expect(good?.latency.count).toBe(6)
  expect(good?.latency.buckets.reduce((sum, [, count]) => sum + count, 0)).toBe(6)
  expect(good?.latency.sum).toBeGreaterThan(0)
  expect(idle?.latency).toEqual({ count: 0, sum: 0, buckets: [] })
  expect(upstreams).toHaveLength(1)
  expect(upstreams[0]).toMatchObject({ name: 'shop', attempts: 9, failures: 3, panic: false })
  expect(upstreams[0]?.endpoints).toMatchObject([
    { endpoint: `http://127.0.0.1:${upstream.port}`, state: 'usable', inFlight: 0, attempts: 9, failures: 3 },
  ])
  expect(workers.map(({ worker, state }) => [worker, state])).toEqual([
    [0, 'serving'],
    [1, 'serving'],
  ])
})

test('a request in flight is seen, with the permit that it holds', async () => {
  const answer = ask('/good?held')
  await until(() => held.length === 1)
  const [good] = (await live()).routes
  expect(good).toMatchObject({ requests: 0, inFlight: 1, permits: 1, limit: 7 })
  expect((await live()).upstreams[0]?.endpoints).toMatchObject([{ inFlight: 1, attempts: 0 }])
  held[0]?.()
  expect(await answer).toBe(200)
  await until(async () => (await live()).routes[0]?.inFlight === 0)
})

test('the counts of an ended worker stay', async () => {
  await ask('/good')
  await until(async () => (await live()).routes[0]?.requests === 1)
  gateway.gateway.hook(0, 'exit')
  gateway.gateway.hook(1, 'exit')
  await until(async () =>
    (await gateway.workers()).every(({ restarts, state }) => restarts === 1 && state === 'serving'),
  )
  expect((await live()).routes[0]).toMatchObject({ requests: 1, inFlight: 0 })
})
