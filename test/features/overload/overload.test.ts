import { afterAll, beforeAll, expect, test } from 'vitest'
import { field, httpClient } from '../../kit/client.ts'
import { type HookedGateway, hookedGateway } from '../../kit/gateway.ts'
import { fetchRaw, ONE_WORKER } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

let upstream: TestUpstream
let gateway: HookedGateway

beforeAll(async () => {
  upstream = await testUpstream()
  gateway = await hookedGateway(`${ONE_WORKER}
overload: { delay: 40ms, utilization: 20% }
trust: { proxies: [127.0.0.0/8] }
upstreams:
  app: { endpoints: ["${upstream.url}"] }
routes:
  app: { match: { path: /app }, to: app }
  vital: { match: { path: /vital }, to: app, importance: critical }
  extra: { match: { path: /extra }, to: app, importance: low }
`)
})

afterAll(async () => {
  await gateway.stop()
  await upstream.close()
})

const get = (path: string, headers: Record<string, string> = {}) => fetchRaw(gateway.port, 'GET', path, headers)

async function stage(): Promise<number> {
  return Number(/sluice_overload_stage\{worker="0"\} (\d)/.exec(await gateway.metrics())?.[1])
}

/**
 * Blocks the worker's loop for so long again and again, until `done`. More than the 250 ms between two beats: each beat falls
 * into a block, and is late by the rest of it.
 */
async function late(ms: number, done: () => Promise<boolean>): Promise<void> {
  await until(async () => {
    const end = performance.now() + ms + 50
    gateway.gateway.hook(0, 'block', ms)
    await until(() => performance.now() > end)
    return done()
  })
}

test('a worker that cannot follow refuses what is not critical, then serves all again', async () => {
  await until(async () => (await stage()) === 0, 'the start is over')
  // Accepted before: a new connection would be refused as a whole.
  const kept = await httpClient(gateway.port)
  expect((await kept.send('GET /extra HTTP/1.1\r\nHost: a\r\n\r\n').answer()).status).toBe(200)
  await late(900, async () => (await stage()) === 3)
  const refused = await get('/app').catch(() => undefined)
  // A new connection is refused as a whole, with the same answer.
  expect(refused?.status).toBe(503)
  expect(JSON.parse(refused?.body ?? '{}')).toMatchObject({ reason: 'overloaded', retryable: true })
  const seen = upstream.seen.length
  const vital = await kept.send('GET /vital HTTP/1.1\r\nHost: a\r\n\r\n').answer()
  expect([vital.status, field(vital, 'connection')]).toEqual([200, 'close'])
  expect(upstream.seen.length).toBe(seen + 1)
  await until(async () => (await stage()) === 0, 'it is over')
  expect((await get('/extra')).status).toBe(200)
  expect(gateway.log.lines.map(({ message }) => message)).toContain('overload eases')
})

test('with a little less only what is of low importance is shed', async () => {
  const shed = async (path: string, headers = {}): Promise<boolean> => {
    // A connection that is refused as a whole may be reset.
    const answer = await get(path, headers).catch(() => undefined)
    return answer?.status === 503 && JSON.parse(answer.body).reason === 'shed'
  }
  await late(300, () => shed('/extra'))
  await late(300, () => shed('/app', { 'sluice-importance': 'low' }))
  expect(await gateway.metrics()).toMatch(
    /sluice_rejections_total\{route="extra",policy="overload",reason="shed",mode="enforce"\} [1-9]/,
  )
  await until(async () => (await stage()) === 0, 'it is over')
})
