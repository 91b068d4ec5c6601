import { describe, expect, test } from 'vitest'
import { PAGE_BYTES, type Page } from '../../../../../src/cells/pages.ts'
import { CellSpace } from '../../../../../src/cells/space.ts'
import { MetricsRegistry } from '../../../../../src/control/seeing/metrics/metrics-registry.ts'
import { WorkerMetrics } from '../../../../../src/core/series.ts'
import { FEATURES } from '../../../../../src/features/index.ts'
import { systemClock } from '../../../../../src/lib/clock.ts'

let nextPage = 1

/** A worker whose messages reach the registry at once. */
function worker(registry: MetricsRegistry, number: number, page = floats()): WorkerMetrics {
  registry.addPage(number, page)
  return new WorkerMetrics(new CellSpace(4, number), [page], (message) => {
    if (message.type === 'series') registry.series(number, message)
  })
}

const floats = (): Page => ({ id: nextPage++, kind: 'floats', buffer: new SharedArrayBuffer(PAGE_BYTES) })

async function lines(registry: MetricsRegistry, metric: string): Promise<string[]> {
  const { body } = await registry.expose()
  return body
    .toString()
    .split('\n')
    .filter((line) => line.startsWith(metric))
}

describe('the metrics registry', () => {
  test('sums the columns of all workers', async () => {
    const registry = new MetricsRegistry(systemClock, FEATURES)
    for (const number of [0, 1, 2]) {
      worker(registry, number)
        .counter('sluice_requests_total', ['orders', 'GET', '200', '-'])
        .inc(number + 1)
    }
    expect(await lines(registry, 'sluice_requests_total')).toEqual([
      'sluice_requests_total{route="orders",method="GET",status="200",reason="-"} 6',
    ])
  })

  test('histograms are cumulative, with sum and count', async () => {
    const registry = new MetricsRegistry(systemClock, FEATURES)
    const histogram = worker(registry, 0).histogram('sluice_request_duration_seconds', ['orders', '2xx'])
    for (const seconds of [0.001, 0.03, 0.03, 100]) histogram.observe(seconds)
    const got = await lines(registry, 'sluice_request_duration_seconds')
    const bucket = (le: string) => got.find((line) => line.includes(`le="${le}"`))?.split(' ')[1]
    expect(['0.005', '0.025', '0.05', '60', '+Inf'].map(bucket)).toEqual(['1', '1', '3', '3', '4'])
    expect(got).toContain('sluice_request_duration_seconds_sum{route="orders",status_class="2xx"} 100.061')
    expect(got).toContain('sluice_request_duration_seconds_count{route="orders",status_class="2xx"} 4')
  })

  test('speaks the text format: help, type, content type, escaped labels, process metrics', async () => {
    const registry = new MetricsRegistry(systemClock, FEATURES)
    worker(registry, 0).counter('sluice_retries_total', ['a"b\\c\nd', '503']).inc()
    const { body: bytes, contentType } = await registry.expose()
    const body = bytes.toString()
    expect(contentType).toContain('text/plain; version=0.0.4')
    expect(body).toContain('# TYPE sluice_retries_total counter')
    expect(body).toContain('# HELP sluice_retries_total Attempts after the first')
    expect(body).toContain('sluice_retries_total{route="a\\"b\\\\c\\nd",reason="503"} 1')
    expect(body).toContain('process_cpu_seconds_total')
  })

  test('a worker that ended leaves its counts behind; its pages are clean for the next', async () => {
    const registry = new MetricsRegistry(systemClock, FEATURES)
    const page = floats()
    const labels = ['orders', 'connect']
    const before = worker(registry, 0, page)
    before.counter('sluice_retries_total', labels).inc(3)
    before.histogram('sluice_attempt_duration_seconds', ['orders']).observe(2)
    worker(registry, 1).counter('sluice_retries_total', labels).inc(10)
    registry.fold(0)
    expect(new Float64Array(page.buffer).every((value) => value === 0)).toBe(true)
    expect(await lines(registry, 'sluice_retries_total')).toEqual([expect.stringMatching(/ 13$/)])

    const after = worker(registry, 0, page)
    after.counter('sluice_retries_total', labels).inc()
    after.histogram('sluice_attempt_duration_seconds', ['orders']).observe(3)
    expect(await lines(registry, 'sluice_retries_total')).toEqual([expect.stringMatching(/ 14$/)])
    expect(await lines(registry, 'sluice_attempt_duration_seconds_sum')).toEqual([expect.stringMatching(/ 5$/)])
    registry.fold(0)
    registry.fold(1)
    expect(await lines(registry, 'sluice_retries_total')).toEqual([expect.stringMatching(/ 14$/)])
  })

  test('series of pages that are not the worker’s, or of unknown metrics, are ignored', async () => {
    const registry = new MetricsRegistry(systemClock, FEATURES)
    const page = floats()
    registry.addPage(0, page)
    const ref = { page: page.id, slot: 0 }
    registry.series(1, { type: 'series', metric: 'sluice_retries_total', labels: ['a', 'b'], ref })
    registry.series(0, { type: 'series', metric: 'toString', labels: [], ref })
    registry.series(0, { type: 'series', metric: 'other', labels: [], ref })
    registry.series(0, { type: 'series', metric: 'sluice_retries_total', labels: [], ref: { page: 99_999, slot: 0 } })
    expect(await lines(registry, 'sluice_')).toEqual([])
  })

  test('an endpoint that left is dropped, and is back once it counts again', async () => {
    const registry = new MetricsRegistry(systemClock, FEATURES)
    const metrics = worker(registry, 0)
    const gone = metrics.counter('sluice_attempts_total', ['orders', 'http://10.0.0.1:80', 'ok'])
    gone.inc(2)
    metrics.counter('sluice_attempts_total', ['orders', 'http://10.0.0.2:80', 'ok']).inc()
    registry.forget('http://10.0.0.1:80')
    expect(await lines(registry, 'sluice_attempts_total')).toEqual([expect.stringContaining('10.0.0.2')])
    gone.inc()
    expect(await lines(registry, 'sluice_attempts_total{upstream="orders",endpoint="http://10.0.0.1')).toEqual([
      expect.stringMatching(/ 3$/),
    ])
    registry.fold(0)
    registry.forget('http://10.0.0.1:80')
    expect(await lines(registry, 'sluice_attempts_total')).toEqual([expect.stringContaining('10.0.0.2')])
  })

  test('a slot that goes to another series no longer counts for the first', async () => {
    const registry = new MetricsRegistry(systemClock, FEATURES)
    const metrics = worker(registry, 0)
    metrics.counter('sluice_attempts_total', ['u', 'old', 'ok']).inc(5)
    metrics.counter('sluice_attempts_total', ['u', 'forgotten', 'ok']).inc(7)
    registry.forget('forgotten')
    metrics.release('sluice_attempts_total', ['u', 'old', 'ok'])
    metrics.release('sluice_attempts_total', ['u', 'forgotten', 'ok'])
    metrics.counter('sluice_attempts_total', ['u', 'new1', 'ok']).inc()
    metrics.counter('sluice_attempts_total', ['u', 'new2', 'ok']).inc(2)
    registry.fold(0)
    const values = (await lines(registry, 'sluice_attempts_total')).map((line) =>
      line.replace(/.*endpoint="|",outcome="ok"}/g, ''),
    )
    expect(values).toEqual(['new1 1', 'new2 2'])
  })

  test('gauges and counters of the control plane are read at each scrape', async () => {
    const registry = new MetricsRegistry(systemClock, FEATURES)
    let value = 1
    registry.add({
      sluice_connections: () => [{ labels: ['web'], value }],
      sluice_worker_restarts_total: () => [{ labels: ['exit'], value }],
    })
    expect(await lines(registry, 'sluice_connections')).toEqual(['sluice_connections{listener="web"} 1'])
    value = 5
    expect(await lines(registry, 'sluice_connections')).toEqual(['sluice_connections{listener="web"} 5'])
    const body = (await registry.expose()).body.toString()
    expect(body).toContain('# TYPE sluice_connections gauge')
    expect(body).toContain('# TYPE sluice_worker_restarts_total counter')
    expect(() => registry.add({ sluice_connections: () => [] })).toThrow('already')
    expect(() => registry.add({ sluice_nothing: () => [] })).toThrow('no metric')
  })
})

test('a scrape of many routes lets others have the event loop', async () => {
  const registry = new MetricsRegistry(systemClock, FEATURES)
  const metrics = worker(registry, 0, floats())
  for (let i = 0; i < 400; i++) metrics.histogram('sluice_request_duration_seconds', [`r${i}`, '2xx']).observe(1)
  registry.add({
    sluice_requests_in_flight: function* () {
      for (let i = 0; i < 20; i++) {
        const end = performance.now() + 1
        while (performance.now() < end);
        yield { labels: [`r${i}`], value: i }
      }
    },
  })
  let turns = 0
  let running = true
  const turn = (): void => {
    turns++
    if (running) setImmediate(turn)
  }
  setImmediate(turn)
  await registry.expose()
  running = false
  // 20 ms of work in slices of about 5.
  expect(turns).toBeGreaterThan(3)
})
