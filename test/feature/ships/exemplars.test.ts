import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestCollector, testCollector } from '../../kit/collector.ts'
import { Prometheus, withoutPrometheus } from '../../kit/prometheus.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'

describe.skipIf(withoutPrometheus())('a real Prometheus that keeps exemplars', () => {
  let upstream: TestUpstream
  let collector: TestCollector
  let sluice: Sluice
  let prometheus: Prometheus

  beforeAll(async () => {
    upstream = await testUpstream()
    collector = await testCollector()
    sluice = await startSluice(`${TOP}tracing: { otlp: { endpoint: "${collector.url}" }, sample: 0% }
upstreams: { orders: { endpoints: ["${upstream.url}"] } }
routes: { orders: { match: { path: /orders }, to: orders } }
`)
    prometheus = await Prometheus.start(
      [`127.0.0.1:${sluice.probesPort}`],
      'groups: []',
      '--enable-feature=exemplar-storage',
    )
  }, 60_000)

  afterAll(async () => {
    await prometheus?.stop()
    expect(await sluice?.stop()).toBe(0)
    await collector?.close()
    await upstream?.close()
  }, 30_000)

  test('finds the trace of a request by its duration', async () => {
    await sluice.get('/orders')
    await sluice.get('/orders', { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` })
    const found = async () =>
      (await prometheus.exemplars('sluice_request_duration_seconds_bucket{route="orders"}')).flatMap(
        ({ exemplars }) => exemplars,
      )
    await until(async () => (await found()).length > 0, 'an exemplar')
    const [exemplar, ...more] = await found()
    expect(more).toEqual([])
    expect(exemplar).toMatchObject({ labels: { trace_id: TRACE, span_id: expect.stringMatching(/^[0-9a-f]{16}$/) } })
    const [server] = (await collector.trace(TRACE, 2)).filter(({ kind }) => kind === 'server')
    expect(exemplar?.labels.span_id).toBe(server?.spanId)
    expect(await prometheus.targets()).toMatchObject([{ health: 'up', lastError: '' }])
  })

  test('reads the same values from the OpenMetrics form as from the plain one', async () => {
    const [good] = await prometheus.query('sum(sluice_requests_total{route="orders"})')
    expect(good?.value[1]).toBe('2')
    const [count] = await prometheus.query('sum(sluice_request_duration_seconds_count{route="orders"})')
    expect(count?.value[1]).toBe('2')
  })
})
