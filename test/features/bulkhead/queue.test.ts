import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { httpClient } from '../../kit/client.ts'
import { type HookedGateway, hookedGateway } from '../../kit/gateway.ts'
import { Load } from '../../kit/load.ts'
import { fetchRaw, TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

let upstream: TestUpstream
let gateway: HookedGateway
/** Answers of requests that the upstream holds, by path. */
const held = new Map<string, () => void>()
let running = 0
let most = 0

beforeAll(async () => {
  upstream = await testUpstream((req, res) => {
    running++
    most = Math.max(most, running)
    let over = false
    const left = (): void => {
      if (!over) running--
      over = true
    }
    res.on('close', left)
    // Before the gateway can know of its end, and send the next one.
    const answer = (): void => {
      left()
      res.end('ok')
    }
    if (req.url?.startsWith('/storm') === true) setTimeout(answer, 2)
    else held.set(req.url ?? '', answer)
  })
  // A busy machine is overload: requests of low importance would be refused before they come to the queue.
  gateway = await hookedGateway(`${TOP.replace('workers: 2', 'workers: 3')}overload: { mode: shadow }
upstreams:
  app: { endpoints: ["${upstream.url}"] }
trust: { proxies: [127.0.0.1] }
defaults:
  route:
    timeouts: { request: 60s }
    retries: off
    bulkhead: { queue: { size: 30, maxWait: 40s, newestFirstAfter: off } }
routes:
  one: { match: { path: /one/* }, to: app, bulkhead: { maxConcurrent: 1 } }
  low: { match: { path: /low/* }, to: app, importance: low, bulkhead: { maxConcurrent: 1, queue: { size: 3 } } }
  six: { match: { path: /six/* }, to: app, bulkhead: { maxConcurrent: 6 } }
  brief: { match: { path: /brief/* }, to: app, bulkhead: { maxConcurrent: 1, queue: { size: 1, maxWait: 60ms } } }
  storm: { match: { path: /storm/* }, to: app, bulkhead: { maxConcurrent: 5, queue: { size: 40 } } }
  turned: { match: { path: /storm-turned }, to: app, bulkhead: { maxConcurrent: 5, queue: { newestFirstAfter: 10ms } } }
  quick: { match: { path: /quick/* }, to: app, timeouts: { request: 100ms }, buffering: off, bulkhead: { maxConcurrent: 1 } }
`)
})

beforeEach(() => {
  most = 0
  upstream.seen.length = 0
})

afterEach(async () => {
  for (const answer of held.values()) answer()
  held.clear()
  for (const route of ['one', 'low', 'six', 'brief', 'storm', 'turned', 'quick']) await idle(route)
})

afterAll(async () => {
  await gateway.stop()
  await upstream.close()
})

async function metric(name: string): Promise<number | undefined> {
  const line = (await gateway.metrics()).split('\n').find((text) => text.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.slice(name.length + 1))
}

async function lost(): Promise<number> {
  return (await metric('sluice_bulkhead_lost_wakeups_total')) ?? 0
}

/** Waits until so many requests of the route wait. */
async function depth(route: string, count: number): Promise<void> {
  const name = `sluice_queue_depth{route="${route}"}`
  await until(async () => (await metric(name)) === count, `${count} in the queue of ${route}`)
}

/** Waits until nobody of the route has a permit, or waits for one. */
async function idle(route: string): Promise<void> {
  await depth(route, 0)
  const name = `sluice_bulkhead_in_flight{route="${route}"}`
  await until(async () => (await metric(name)) === 0, `no permit of ${route} is held`)
}

const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
  fetchRaw(gateway.port, 'GET', path, headers)

async function finish(path: string): Promise<void> {
  await until(() => held.has(path), `${path} reaches the upstream`)
  held.get(path)?.()
  held.delete(path)
}

describe('the queue of three workers', () => {
  test('goes by arrival, and wakes whichever worker is next', async () => {
    const answers = []
    const paths = Array.from({ length: 20 }, (_, i) => `/one/${i}`)
    for (const [i, path] of paths.entries()) {
      answers.push(get(path))
      if (i === 0) await until(() => held.size === 1)
      else await depth('one', i)
    }
    for (const path of paths) await finish(path)
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(new Array(20).fill(200))
    expect(upstream.seen.map(({ target }) => target)).toEqual(paths)
    expect([most, await lost()]).toEqual([1, 0])
    await gateway.shows('sluice_queue_wait_seconds_count{route="one"} 19\n')
  })

  test('is full at its size, over all workers', async () => {
    const first = get('/one/first')
    await until(() => held.size === 1)
    const statuses: number[] = []
    const all = Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const { status } = await get(`/one/${i}`)
        statuses.push(status)
      }),
    )
    await until(() => statuses.length === 20)
    expect(statuses).toEqual(new Array(20).fill(503))
    await depth('one', 30)
    for (let i = 0; i < 31; i++) {
      await until(() => held.size === 1)
      for (const path of held.keys()) await finish(path)
    }
    await all
    expect((await first).status).toBe(200)
    expect(most).toBe(1)
    await idle('one')
  })

  test('gives up after maxWait', async () => {
    const first = get('/brief/first')
    await until(() => held.size === 1)
    const late = await get('/brief/late')
    expect(late.status).toBe(503)
    expect(JSON.parse(late.body)).toMatchObject({ reason: 'queue_timeout', retryable: true })
    expect(late.headers['retry-after']).toBe('1')
    await finish('/brief/first')
    expect((await first).status).toBe(200)
    const name = 'sluice_rejections_total{route="brief",policy="bulkhead",reason="queue_timeout",mode="enforce"}'
    await gateway.shows(`${name} 1\n`)
  })

  test('serves what a trusted peer calls more important first, and sheds the rest', async () => {
    const first = get('/low/first')
    await until(() => held.size === 1)
    const low = []
    for (let i = 1; i <= 3; i++) {
      low.push(get(`/low/${i}`))
      await depth('low', i)
    }
    const critical = get('/low/critical', { 'sluice-importance': 'critical' })
    const shed = await Promise.race(low)
    expect(shed.status).toBe(503)
    expect(JSON.parse(shed.body)).toMatchObject({ reason: 'shed', retryable: true })
    for (const path of ['/low/first', '/low/critical', '/low/1', '/low/2']) await finish(path)
    expect(upstream.seen.map(({ target }) => target)).toEqual(['/low/first', '/low/critical', '/low/1', '/low/2'])
    expect((await Promise.all([first, critical, ...low])).map(({ status }) => status)).toEqual([
      200, 200, 200, 200, 503,
    ])
    await idle('low')
  })

  test('lets go of whoever leaves or has no time left', async () => {
    const first = get('/one/first')
    await until(() => held.size === 1)
    const client = await httpClient(gateway.port)
    client.send('GET /one/left HTTP/1.1\r\nhost: a\r\n\r\n')
    await depth('one', 1)
    client.peer.reset()
    await depth('one', 0)
    await finish('/one/first')
    expect((await first).status).toBe(200)

    // Its clock stands still while its body is on the way.
    const slow = await httpClient(gateway.port)
    slow.send('POST /quick/first HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nx')
    await until(() => held.size === 1)
    const late = await get('/quick/late')
    expect(late.status).toBe(504)
    expect(JSON.parse(late.body)).toMatchObject({ reason: 'deadline_exceeded' })
    expect(upstream.seen.map(({ target }) => target)).toEqual(['/one/first', '/quick/first'])
    slow.close()
    await idle('quick')
  })

  test.each(['/storm/', '/storm-turned'])(
    'in a storm at %s: never above the limit, no wake-up lost',
    async (path) => {
      const load = new Load({ port: gateway.port, path, parallel: 60 })
      await until(
        () => (load.statuses.get(200) ?? 0) >= 400,
        () => load.summary,
        60_000,
      )
      await load.stop()
      expect(load.broken, load.summary).toEqual([])
      expect([...load.statuses.keys()].every((status) => status === 200 || status === 503)).toBe(true)
      expect(most).toBeLessThanOrEqual(5)
      const route = path === '/storm/' ? 'storm' : 'turned'
      await idle(route)
      expect(await lost()).toBe(0)
    },
    90_000,
  )

  test('a worker that ends gives its permits to those who wait in the others', async () => {
    const settled = { served: 0, broken: 0 }
    const all = Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        get(`/six/${i}`).then(
          () => settled.served++,
          () => settled.broken++,
        ),
      ),
    )
    await depth('six', 24)
    await until(() => held.size === 6)
    for (const worker of [0, 1]) {
      gateway.gateway.hook(worker, 'exit')
      await until(
        async () => (await metric('sluice_worker_restarts_total{reason="exit"}')) === worker + 1,
        'the worker ends',
      )
    }
    // Worker 2 alone has the rest: as many as there are permits run.
    const left = () => 30 - settled.broken
    await until(
      () => running === Math.min(6, left()),
      () => `${running} run, ${left()} are left`,
    )
    await until(
      async () => {
        for (const [path, answer] of held) {
          held.delete(path)
          answer()
        }
        return settled.served + settled.broken === 30
      },
      () => JSON.stringify(settled),
    )
    await all
    await idle('six')
    expect(await lost()).toBe(0)
  })
})
