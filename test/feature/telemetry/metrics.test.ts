import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestCollector, testCollector } from '../../kit/collector.ts'
import { checkMetrics, withoutPromtool } from '../../kit/promtool.ts'
import { fetchRaw, ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const OPENMETRICS = 'application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.4,*/*;q=0.1'

let upstreams: TestUpstream[]
let collector: TestCollector
let sluice: Sluice

beforeAll(async () => {
  upstreams = await Promise.all([1, 2, 3].map(() => testUpstream()))
  collector = await testCollector()
  const urls = upstreams.map(({ url }) => `"${url}"`)
  sluice = await startSluice(`${ONE_WORKER}
tracing: { otlp: { endpoint: "${collector.url}" }, sample: 0% }
metrics: { endpointSeries: 2 }
upstreams: { three: { endpoints: [${urls.join(', ')}], loadBalancing: { algorithm: round-robin } } }
routes: { all: { match: { path: /* }, to: three } }
`)
  for (let i = 0; i < 9; i++) expect((await sluice.get('/')).status).toBe(200)
  await sluice.get('/', { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` })
  await collector.trace(TRACE, 2)
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
  for (const { close } of [collector, ...upstreams].map((one) => ({ close: () => one.close() }))) await close()
})

const scrape = (accept: string) => fetchRaw(sluice.probesPort, 'GET', '/metrics', { accept })

describe('the plain text form', () => {
  test('is what scrapers get that name no other, and has no exemplars', async () => {
    for (const accept of ['*/*', 'text/plain', 'application/openmetrics-text;version=2.0.0']) {
      const { body, headers } = await scrape(accept)
      expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
      expect(body).not.toMatch(/^[^#].* # /m)
      expect(body).not.toContain('# EOF')
    }
  })

  test.skipIf(withoutPromtool())('is read by promtool, which has nothing to say about it', async () => {
    expect(checkMetrics((await scrape('text/plain')).body)).toEqual({ code: 0, said: '' })
    expect(checkMetrics('sluice_x{ 1\n').code).toBe(1)
  })
})

describe('the OpenMetrics form', () => {
  test('has the trace of a sampled request at the bucket that counts it', async () => {
    const { body, headers } = await scrape(OPENMETRICS)
    expect(headers['content-type']).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
    expect(body.endsWith('\n# EOF\n')).toBe(true)
    expect(body).toContain('\n# TYPE sluice_requests counter\n')
    const server = collector.spans.find(({ kind }) => kind === 'server')
    const client = collector.spans.find(({ kind }) => kind === 'client')
    const exemplars = [
      ...body.matchAll(
        /^(\w+)_bucket\{le="([^"]+)",(.*)\} (\d+) # \{trace_id="(\w+)",span_id="(\w+)"\} (\S+) (\S+)$/gm,
      ),
    ]
    expect(exemplars.map(([, metric, , labels, , trace, span]) => [metric, labels, trace, span]).toSorted()).toEqual([
      ['sluice_attempt_duration_seconds', 'upstream="three"', TRACE, client?.spanId],
      ['sluice_request_duration_seconds', 'route="all",status_class="2xx"', TRACE, server?.spanId],
    ])
    for (const [, , le, , count, , , value, at] of exemplars) {
      expect(Number(value)).toBeLessThanOrEqual(le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le))
      expect(Number(count)).toBeGreaterThan(0)
      expect(Math.abs(Number(at) - Date.now() / 1000)).toBeLessThan(60)
    }
    // Nowhere else.
    expect(body.split('\n').filter((line) => !line.startsWith('#') && line.includes(' # '))).toHaveLength(2)
  })

  test('says the same as the text', async () => {
    const values = (text: string): string[] =>
      text
        .split('\n')
        .filter((line) => /^sluice_(requests|request_duration|attempts|connections|build)/.test(line))
        .map((line) => line.replace(/ # .*/, ''))
    await until(async () => values((await scrape('text/plain')).body).some((line) => line.endsWith('reason="-"} 10')))
    expect(values((await scrape(OPENMETRICS)).body)).toEqual(values((await scrape('text/plain')).body))
  })
})

test('endpoints beyond metrics.endpointSeries make room for one another', async () => {
  const { body } = await scrape('text/plain')
  const series = body.split('\n').filter((line) => line.startsWith('sluice_attempts_total{'))
  expect(series).toHaveLength(2)
})
