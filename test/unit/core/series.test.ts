import { describe, expect, test } from 'vitest'
import { PAGE_BYTES, type Page } from '../../../src/cells/pages.ts'
import { CellSpace } from '../../../src/cells/space.ts'
import { BUCKETS, HISTOGRAM_SLOTS } from '../../../src/core/metrics.ts'
import type { FromWorker } from '../../../src/core/protocol.ts'
import { WorkerMetrics } from '../../../src/core/series.ts'

const PAGE_SLOTS = PAGE_BYTES / 8
const page = (id: number): Page => ({ id, kind: 'floats', buffer: new SharedArrayBuffer(PAGE_BYTES) })

class Bench {
  readonly messages: FromWorker[] = []
  readonly pages: Page[]
  readonly metrics: WorkerMetrics

  constructor(pages: number) {
    this.pages = Array.from({ length: pages }, (_, i) => page(i + 1))
    this.metrics = new WorkerMetrics(new CellSpace(1, 0), this.pages, (message) => this.messages.push(message))
  }

  grow(): void {
    const next = page(this.pages.length + 1)
    this.pages.push(next)
    this.metrics.addPages([next])
  }

  get wanted(): number {
    return this.messages.filter(({ type }) => type === 'want-page').length
  }

  series(metric: string) {
    return this.messages.filter((m) => m.type === 'series' && m.metric === metric) as Extract<
      FromWorker,
      { type: 'series' }
    >[]
  }

  read(metric: string, label: string): number[] | undefined {
    const found = this.series(metric).findLast(({ labels }) => labels.includes(label))
    if (found === undefined) return undefined
    const { buffer } = this.pages.find(({ id }) => id === found.ref.page) as Page
    const slots = metric.endsWith('_total') ? 1 : HISTOGRAM_SLOTS
    return [...new Float64Array(buffer, found.ref.slot * 8, slots)]
  }
}

describe('series of a worker', () => {
  test('a counter counts in the place that was announced', () => {
    const bench = new Bench(1)
    const counter = bench.metrics.counter('sluice_retries_total', ['orders', 'connect'])
    counter.inc()
    counter.inc(2.5)
    expect(bench.read('sluice_retries_total', 'orders')).toEqual([3.5])
    expect(bench.series('sluice_retries_total')[0]?.labels).toEqual(['orders', 'connect'])
  })

  test('a histogram: bounds are inclusive, beyond the last one counts as well', () => {
    const bench = new Bench(1)
    const histogram = bench.metrics.histogram('sluice_attempt_duration_seconds', ['orders'])
    const seconds = [0, 0.005, 0.0051, 1, 60, 61]
    for (const value of seconds) histogram.observe(value)
    const slots = bench.read('sluice_attempt_duration_seconds', 'orders') as number[]
    const counted = BUCKETS.map((le, i) => [le, slots[i]]).filter(([, count]) => count !== 0)
    expect(counted).toEqual([
      [0.005, 2],
      [0.01, 1],
      [1, 1],
      [60, 1],
    ])
    expect(slots[BUCKETS.length]).toBe(1)
    expect(slots[BUCKETS.length + 1]).toBeCloseTo(122.0101)
  })

  test('asked twice, the same series', () => {
    const bench = new Bench(1)
    bench.metrics.counter('sluice_retries_total', ['a', 'b']).inc()
    bench.metrics.counter('sluice_retries_total', ['a', 'b']).inc()
    bench.metrics.counter('sluice_retries_total', ['ab', '']).inc()
    expect(bench.series('sluice_retries_total')).toHaveLength(2)
    expect(bench.read('sluice_retries_total', 'a')).toEqual([2])
  })

  test('a page is asked for once, before the last one is full, and series never overlap', () => {
    const bench = new Bench(1)
    let made = 0
    const more = () => bench.metrics.histogram('sluice_attempt_duration_seconds', [`u${made++}`]).observe(made)
    while (bench.wanted === 0) more()
    expect(made * HISTOGRAM_SLOTS).toBeLessThan(PAGE_SLOTS)
    for (let i = 0; i < 1000; i++) more()
    expect(bench.wanted).toBe(1)
    bench.grow()
    while (bench.wanted < 3) {
      more()
      if (bench.wanted === 2) bench.grow()
    }
    bench.grow()
    const taken = new Set<string>()
    for (const { ref } of bench.series('sluice_attempt_duration_seconds')) {
      expect(ref.slot + HISTOGRAM_SLOTS).toBeLessThanOrEqual(PAGE_SLOTS)
      for (let i = 0; i < HISTOGRAM_SLOTS; i++) taken.add(`${ref.page}:${ref.slot + i}`)
    }
    expect(taken.size).toBe(made * HISTOGRAM_SLOTS)
    for (let i = 0; i < made; i++) {
      expect(bench.read('sluice_attempt_duration_seconds', `u${i}`)?.at(-1), `u${i}`).toBe(i + 1)
    }
  })

  test('without a page it counts on, and takes the count along', () => {
    const bench = new Bench(0)
    expect(bench.wanted).toBe(1)
    const counter = bench.metrics.counter('sluice_retries_total', ['orders', 'connect'])
    counter.inc(4)
    expect(bench.series('sluice_retries_total')).toEqual([])
    bench.grow()
    counter.inc()
    expect(bench.read('sluice_retries_total', 'orders')).toEqual([5])
  })

  test('bounded: past the last page series go nowhere, and that is counted', () => {
    const bench = new Bench(64)
    for (let i = 0; i < 64 * PAGE_SLOTS; i++) {
      bench.metrics.counter('sluice_retries_total', [String(i), '']).inc()
    }
    bench.metrics.histogram('sluice_attempt_duration_seconds', ['late']).observe(1)
    expect(bench.wanted).toBe(0)
    expect(bench.read('sluice_retries_total', '0')).toEqual([1])
    expect(bench.series('sluice_attempt_duration_seconds')).toEqual([])
    const made = bench.series('sluice_retries_total').length
    const [dropped] = bench.series('sluice_metric_series_dropped_total')
    const first = new Float64Array((bench.pages[0] as Page).buffer)
    expect(first[dropped?.ref.slot as number]).toBe(64 * PAGE_SLOTS - made + 1)
  })

  test('a released slot serves the next counter, from zero', () => {
    const bench = new Bench(1)
    bench.metrics.counter('sluice_retries_total', ['old', '']).inc(9)
    bench.metrics.release('sluice_retries_total', ['old', ''])
    bench.metrics.release('sluice_retries_total', ['never made', ''])
    bench.metrics.counter('sluice_retries_total', ['new', '']).inc()
    const [before, after] = bench.series('sluice_retries_total')
    expect(after?.ref).toEqual(before?.ref)
    expect(bench.read('sluice_retries_total', 'new')).toEqual([1])
  })
})
