import { type CellRef, PAGE_BYTES, type Page } from '../cells/pages.ts'
import type { CellSpace } from '../cells/space.ts'
import type { MetricSink } from './metric.ts'
import { BUCKETS, HISTOGRAM_SLOTS } from './metrics.ts'
import type { FromWorker } from './protocol.ts'

const PAGE_SLOTS = PAGE_BYTES / Float64Array.BYTES_PER_ELEMENT
/** 4 MiB per worker: some 25,000 histograms or half a million counters. One page less, since their ends stay empty. */
const MAX_PAGES = 64
const MAX_SLOTS = (MAX_PAGES - 1) * PAGE_SLOTS
/** A new page is asked for when fewer slots than this are left. */
const LOW_SLOTS = PAGE_SLOTS / 4

/** One value of a metric that the control plane reads when it is asked. */
export interface GaugeReading {
  /** In the order of the metric's label names. */
  readonly labels: readonly string[]
  readonly value: number
}

/** Metrics that the control plane reads when it is asked, by name. */
export type Gauges = Readonly<Record<string, () => Iterable<GaugeReading>>>

/** A series of one worker. It counts in its own memory until it gets its place in a page. */
class Series {
  /** @internal Where it is; undefined: not yet in a page. */
  ref: CellRef | undefined = undefined
  protected view: Float64Array
  protected at = 0

  constructor(slots: number) {
    this.view = new Float64Array(slots)
  }

  /** @internal Moves into the page, with what was counted so far. */
  settle(view: Float64Array, ref: CellRef): void {
    view.set(this.view, ref.slot)
    this.view = view
    this.at = ref.slot
    this.ref = ref
  }
}

/** A count that only grows. */
export class Counter extends Series {
  inc(n = 1): void {
    this.view[this.at] = (this.view[this.at] as number) + n
  }
}

/** Observations in {@link BUCKETS}, and their sum. */
export class Histogram extends Series {
  observe(seconds: number): void {
    const { view, at } = this
    let bucket = 0
    while (bucket < BUCKETS.length && seconds > (BUCKETS[bucket] as number)) bucket++
    view[at + bucket] = (view[at + bucket] as number) + 1
    const sum = at + HISTOGRAM_SLOTS - 1
    view[sum] = (view[sum] as number) + seconds
  }
}

interface Waiting {
  readonly metric: string
  readonly labels: readonly string[]
  readonly series: Series
  readonly slots: number
}

/**
 * The metric series of one worker, in Float64 pages that only this worker writes. A series is made on first use and
 * announced to the control plane, which reads it. Callers keep the handles: asking costs a string and a look-up. Bounded:
 * past the last page new series go nowhere, and are counted.
 */
export class WorkerMetrics implements MetricSink {
  private readonly space: CellSpace
  private readonly announce: (message: FromWorker) => void
  private readonly known = new Map<string, Series>()
  private readonly pages: Page[] = []
  private readonly free: CellRef[] = []
  private readonly waiting: Waiting[] = []
  private readonly dropped: Counter
  private readonly counterSink = new Counter(1)
  private readonly histogramSink = new Histogram(HISTOGRAM_SLOTS)
  private used = 0
  /** Next page to place series in, and its next free slot. */
  private page = 0
  private slot = 0
  private asked = false

  /** `pages`: Float64 pages of this worker, empty. */
  constructor(space: CellSpace, pages: readonly Page[], announce: (message: FromWorker) => void) {
    this.space = space
    this.announce = announce
    this.addPages(pages)
    this.dropped = this.counter('sluice_metric_series_dropped_total', [])
  }

  counter(metric: string, labels: readonly string[]): Counter {
    const key = keyOf(metric, labels)
    const known = this.known.get(key)
    if (known !== undefined) return known as Counter
    const ref = this.free.pop()
    if (ref === undefined && !this.reserve(1)) return this.counterSink
    const series = new Counter(1)
    this.known.set(key, series)
    const item = { metric, labels, series, slots: 1 }
    if (ref === undefined) this.place(item)
    else this.settle(item, ref)
    return series
  }

  histogram(metric: string, labels: readonly string[]): Histogram {
    const key = keyOf(metric, labels)
    const known = this.known.get(key)
    if (known !== undefined) return known as Histogram
    if (!this.reserve(HISTOGRAM_SLOTS)) return this.histogramSink
    const series = new Histogram(HISTOGRAM_SLOTS)
    this.known.set(key, series)
    this.place({ metric, labels, series, slots: HISTOGRAM_SLOTS })
    return series
  }

  /** Frees the slot of a counter that is no longer used, for another one; its handle must be forgotten. */
  release(metric: string, labels: readonly string[]): void {
    const key = keyOf(metric, labels)
    const series = this.known.get(key)
    if (series === undefined || series.ref === undefined) return
    this.known.delete(key)
    this.free.push(series.ref)
  }

  addPages(pages: readonly Page[]): void {
    if (pages.length === 0) return
    this.space.add(pages)
    this.pages.push(...pages)
    this.asked = false
    for (const item of this.waiting.splice(0)) this.place(item)
    this.askInTime()
  }

  private reserve(slots: number): boolean {
    if (this.used + slots > MAX_SLOTS) {
      this.dropped.inc()
      return false
    }
    this.used += slots
    return true
  }

  private place(item: Waiting): void {
    if (this.slot + item.slots > PAGE_SLOTS && this.page < this.pages.length) {
      this.page++
      this.slot = 0
    }
    const page = this.pages[this.page]
    if (page === undefined) this.waiting.push(item)
    else {
      this.settle(item, { page: page.id, slot: this.slot })
      this.slot += item.slots
    }
    this.askInTime()
  }

  private settle({ metric, labels, series }: Waiting, ref: CellRef): void {
    series.settle(this.space.float64(ref), ref)
    this.announce({ type: 'series', metric, labels, ref })
  }

  private askInTime(): void {
    const left = (this.pages.length - this.page) * PAGE_SLOTS - this.slot
    if (this.asked || left >= LOW_SLOTS || this.pages.length >= MAX_PAGES) return
    this.asked = true
    this.announce({ type: 'want-page', kind: 'floats' })
  }
}

function keyOf(metric: string, labels: readonly string[]): string {
  return `${metric}\0${labels.join('\0')}`
}
