import { afterAll, beforeAll, expect, test } from 'vitest'
import { ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

let slow: TestUpstream
let sluice: Sluice

beforeAll(async () => {
  slow = await testUpstream((_req, res) => void setTimeout(() => res.writeHead(200).end('done'), 150))
  sluice = await startSluice(`${ONE_WORKER}
trust: { proxies: [127.0.0.0/8] }
upstreams:
  slow: { endpoints: ["${slow.url}"] }
routes:
  slow: { match: { path: /* }, to: slow, timeouts: { request: 60s } }
`)
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
  await slow.close()
})

/** The time left that the upstream was told with the latest request. */
function told(): number {
  const { headers } = slow.seen.at(-1) as { headers: readonly string[] }
  return Number(headers[headers.indexOf('sluice-timeout-ms') + 1])
}

test('the time left goes upstream; a trusted peer may shorten it, never lengthen it', async () => {
  await sluice.get('/')
  expect(told()).toBeGreaterThan(30_000)
  expect(told()).toBeLessThanOrEqual(60_000)
  await sluice.get('/', { 'sluice-timeout-ms': '2000' })
  expect(told()).toBeLessThanOrEqual(2_000)
  await sluice.get('/', { 'sluice-timeout-ms': '600000' })
  expect(told()).toBeLessThanOrEqual(60_000)
})

test('what cannot be done in the time left is refused at once, and the upstream never sees it', async () => {
  // A few at a time: what is learnt is what a request takes, not what it waits.
  for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 13 }, () => sluice.get('/')))
  const before = slow.seen.length
  const refused = await sluice.get('/', { 'sluice-timeout-ms': '50' })
  expect(refused.status).toBe(504)
  expect(JSON.parse(refused.body)).toMatchObject({ reason: 'deadline_unmeetable', retryable: true })
  expect(refused.headers['proxy-status']).toContain('http_response_timeout')
  expect(slow.seen.length).toBe(before)
  const line = await sluice.line(({ reason }) => reason === 'deadline_unmeetable')
  expect(line).toMatchObject({ status: 504, phase: 'queue', origin: 'client', attempts: 0 })
  expect((await sluice.get('/', { 'sluice-timeout-ms': '30000' })).status).toBe(200)
})
