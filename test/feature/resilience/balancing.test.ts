import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { goesLive } from '../../kit/reload.ts'
import { type Answer, type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { closedPort } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'
import { seenField, type TestUpstream, testUpstream } from '../../kit/upstream.ts'

let sluice: Sluice
const upstreams: TestUpstream[] = []

beforeAll(async () => {
  sluice = await startSluice(`${TOP}routes: { all: { match: { path: /* }, respond: {} } }\n`)
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
})

afterEach(async () => {
  for (const upstream of upstreams.splice(0)) await upstream.close()
})

async function three(): Promise<[TestUpstream, TestUpstream, TestUpstream]> {
  for (let i = 0; i < 3; i++) upstreams.push(await testUpstream((_req, res) => void res.end(String(i))))
  return upstreams as [TestUpstream, TestUpstream, TestUpstream]
}

async function start(upstream: string): Promise<Sluice> {
  const routes = '  app: { match: { path: /* }, to: app }\n'
  await goesLive(sluice, `${TOP}upstreams:\n  app: ${upstream}\nroutes:\n${routes}`)
  return sluice
}

/** One after another, each on a connection of its own, so that they spread over the workers. */
async function ask(gateway: Sluice, count: number): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let i = 0; i < count; i++) answers.push(await gateway.get('/'))
  return answers
}

async function inFlight(gateway: Sluice): Promise<number> {
  return Number(/^sluice_requests_in_flight\{route="app"\} (\d+)$/m.exec((await gateway.probe('/metrics')).body)?.[1])
}

const counts = (): number[] => upstreams.map((upstream) => upstream.seen.length)

describe('balancing over workers', () => {
  test('round-robin keeps to the weights', async () => {
    const [a, b, c] = await three()
    const gateway = await start(`{ loadBalancing: { algorithm: round-robin }, endpoints: [
      { url: "${a.url}", weight: 1 }, { url: "${b.url}", weight: 2 }, { url: "${c.url}", weight: 3 } ] }`)
    await ask(gateway, 120)
    // Each worker is exact in rounds of six; the last round of each may be cut short.
    for (const [i, share] of [20, 40, 60].entries())
      expect(Math.abs((counts()[i] as number) - share)).toBeLessThanOrEqual(6)
  })

  test('least-request keeps away from an endpoint that has its hands full', async () => {
    const all = await three()
    const held = all.map((upstream) => {
      const finishes: (() => void)[] = []
      upstream.script = (_req, res) => void finishes.push(() => res.end())
      return finishes
    })
    const gateway = await start(`{ endpoints: [${all.map(({ url }) => `"${url}"`).join(', ')}] }`)
    const under = Array.from({ length: 30 }, () => gateway.get('/'))
    await until(() => held.flat().length === 30, 'all requests are there')
    const [a, b, slow] = all
    for (const upstream of [a, b]) upstream.script = (_req, res) => void res.end()
    for (const finish of held.slice(0, 2).flat()) finish()
    await until(async () => (await inFlight(gateway)) === slow.seen.length, 'only the slow one is busy')
    const before = slow.seen.length
    // Of two that are drawn, the slow one always has more in flight.
    const answers = await ask(gateway, 60)
    expect(answers.map(({ status }) => status)).toEqual(new Array(60).fill(200))
    expect(slow.seen.length).toBe(before)
    for (const finish of held[2] as (() => void)[]) finish()
    await Promise.all(under)
  })

  test('the second tier is used only while the first cannot be', async () => {
    const [a, b] = await three()
    const gateway = await start(`{ endpoints: [ { url: "${a.url}" }, { url: "${b.url}", tier: 1 } ] }`)
    await ask(gateway, 20)
    expect(counts()).toEqual([20, 0, 0])
  })

  test('the second tier takes over when the first refuses', async () => {
    const [, b] = await three()
    const gateway = await start(
      `{ endpoints: [ "http://127.0.0.1:${await closedPort()}", { url: "${b.url}", tier: 1 } ] }`,
    )
    const answers = await ask(gateway, 15)
    expect(answers.map(({ status }) => status)).toEqual(new Array(15).fill(200))
    expect(counts()).toEqual([0, 15, 0])
  })
})

describe('correlation', () => {
  test('one ID on every attempt, in the answer, in the log; one that is made where none came', async () => {
    const [a, b] = await three()
    const failing = await testUpstream((_req, res) => void res.writeHead(503).end())
    upstreams.push(failing)
    const gateway = await start(
      `{ endpoints: [ { url: "${failing.url}" }, { url: "${a.url}", tier: 1 }, { url: "${b.url}", tier: 2 } ] }`,
    )
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const headers = { 'x-correlation-id': 'order/7:a', traceparent: trace, tracestate: 'vendor=1' }
    const answer = await gateway.get('/', headers)
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'x-correlation-id': 'order/7:a', 'x-request-id': 'order/7:a' },
    })
    for (const [i, { seen }] of [failing, a].entries()) {
      const request = seen[0] as TestUpstream['seen'][0]
      expect(seenField(request, 'x-correlation-id')).toBe('order/7:a')
      expect(seenField(request, 'x-request-id')).toBe('order/7:a')
      expect(seenField(request, 'traceparent')).toBe(trace)
      expect(seenField(request, 'tracestate')).toBe('vendor=1')
      expect(seenField(request, 'sluice-attempt')).toBe(String(i + 1))
    }
    const line = await gateway.line(({ correlation_id }) => correlation_id === 'order/7:a')
    expect(line).toMatchObject({
      attempts: 2,
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      request_id: answer.headers['sluice-request-id'],
    })

    const made = await gateway.get('/', { 'x-correlation-id': 'no good: spaces', traceparent: 'ff-bad' })
    expect(made.headers['x-correlation-id']).toBe(made.headers['sluice-request-id'])
    const last = a.seen.at(-1) as TestUpstream['seen'][0]
    // With tracing off none is made, and one that is broken is dropped.
    expect(seenField(last, 'traceparent')).toBeUndefined()
  })
})
