import { afterEach, beforeEach, expect, test } from 'vitest'
import { type TestCollector, testCollector } from '../../kit/collector.ts'
import type { SeenPoint } from '../../kit/otlp.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

let upstream: TestUpstream
let collector: TestCollector
let sluice: Sluice | undefined

beforeEach(async () => {
  upstream = await testUpstream()
  collector = await testCollector()
})

afterEach(async () => {
  await sluice?.stop()
  await upstream.close()
  await collector.close()
})

async function gateway(): Promise<Sluice> {
  sluice = await startSluice(
    `${TOP}metrics: { otlp: { endpoint: "${collector.url}", every: 1s, headers: { X-Key: { env: COLLECTOR_KEY } } } }
upstreams: { good: { endpoints: ["${upstream.url}"] } }
routes: { all: { match: { path: /* }, to: good } }
`,
    { env: { COLLECTOR_KEY: 'secret-1' } },
  )
  return sluice
}

const last = (metric: string): SeenPoint | undefined => collector.points.findLast((point) => point.metric === metric)

test('all metrics go to the collector now and then, with the same values as /metrics', async () => {
  const { get, probe } = await gateway().then((one) => ({
    get: () => one.get('/'),
    probe: async () => (await one.probe('/metrics')).body,
  }))
  for (let i = 0; i < 5; i++) expect((await get()).status).toBe(200)
  await until(() => last('sluice_requests_total')?.value === 5)
  expect(last('sluice_requests_total')).toMatchObject({
    kind: 'sum',
    facts: { route: 'all', method: 'GET', status: '200', reason: '-' },
    resource: { 'service.name': 'test' },
  })
  const duration = last('sluice_request_duration_seconds') as SeenPoint
  expect(duration.kind).toBe('histogram')
  expect(duration.value).toBe(5)
  expect(duration.buckets).toHaveLength(duration.bounds.length + 1)
  expect(duration.buckets.reduce((sum, count) => sum + count, 0)).toBe(5)
  expect(await probe()).toContain(`sluice_request_duration_seconds_sum{route="all",status_class="2xx"} ${duration.sum}`)
  expect(last('sluice_build_info')?.kind).toBe('gauge')
  expect(last('process_resident_memory_bytes')?.value).toBeGreaterThan(1e6)
  expect(collector.requests[0]?.headers).toMatchObject({ 'x-key': 'secret-1' })
  expect(collector.requests[0]?.path).toBe('/v1/metrics')
})

test('a collector in trouble is logged once, and gets everything later; the last values go at the end', async () => {
  const one = await gateway()
  collector.script = (res) => void res.writeHead(503).end()
  await until(() => collector.requests.length > 1)
  collector.script = (res) => void res.writeHead(200).end()
  await one.get('/')
  await until(() => last('sluice_requests_total')?.value === 1)
  const messages = (): unknown[] =>
    one.operational.map(({ message }) => message).filter((message) => /metrics/.test(String(message)))
  await until(() => messages().length === 2)
  expect(messages()).toEqual(['the collector does not accept metrics', 'the collector accepts metrics again'])
  for (let i = 0; i < 3; i++) await one.get('/')
  expect(await one.stop()).toBe(0)
  expect(last('sluice_requests_total')?.value).toBe(4)
})
