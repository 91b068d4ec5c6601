import type { CellRef, Page } from '../../../cells/pages.ts'
import type { AnyFeature } from '../../../core/feature.ts'
import type { MetricDefinition, MetricTable } from '../../../core/metric.ts'
import { BUCKETS, metricTable, slotsOf } from '../../../core/metrics.ts'
import type { FromWorker } from '../../../core/protocol.ts'
import type { GaugeReading, Gauges } from '../../../core/series.ts'
import type { Clock } from '../../../lib/clock.ts'
import {
  CONTENT_TYPES,
  type Exemplar,
  expose,
  type Family,
  type Form,
  labelText,
  type SampleLine,
  type Series,
  simple,
} from './exposition.ts'
import { ofProcess, processMetrics } from './process-metrics.ts'

type SeriesMessage = Extract<FromWorker, { type: 'series' }>

/** One series: a counter has one slot, a histogram one per bucket, one above the last, then the sum. */
export interface SeriesReading {
  readonly labels: Readonly<Record<string, string>>
  readonly slots: Float64Array
}

/** The columns of one series: counts left by workers that ended, and the places where the living ones count. */
interface Row {
  readonly labels: Readonly<Record<string, string>>
  /** The same as it is shown. */
  readonly text: string
  readonly base: Float64Array
  readonly columns: Map<number, CellRef>
  readonly family: Map<string, Row>
  readonly key: string
  /** Value at which it was forgotten: hidden until it changes. */
  forgotten: number | undefined
  /** Of a histogram: the latest of each bucket. */
  exemplars: (Exemplar | undefined)[] | undefined
}

interface WorkerPage {
  readonly worker: number
  readonly view: Float64Array
  /** Which row counts at a slot. */
  readonly rows: Map<number, Row>
}

/**
 * The control plane's side of the metrics: reads the workers' cells at scrape time. prom-client only measures the process:
 * its counters would cost a worker 200 ns per step, where an array store costs 8, and its text is written in one go: 1,000
 * routes would block the main thread for some 200 ms.
 */
export class MetricsRegistry {
  private readonly process: ReturnType<typeof processMetrics> | undefined
  private readonly shown: Family[] = []
  private readonly families = new Map<string, Map<string, Row>>()
  private readonly pages = new Map<number, WorkerPage>()
  private readonly clock: Clock
  private table: MetricTable
  private readonly followed: (() => Gauges)[] = []

  /**
   * @param features whose metrics workers may announce, besides those of Sluice itself
   * @param ownsProcess the process is measured, too: that needs observers of its event loop and its memory, which stay
   */
  constructor(clock: Clock, features: readonly AnyFeature[], ownsProcess = true) {
    this.process = ownsProcess ? processMetrics() : undefined
    this.table = metricTable(features)
    this.clock = clock
  }

  /** A page that only `worker` writes, all zeros. */
  addPage(worker: number, page: Page): void {
    this.pages.set(page.id, { worker, view: new Float64Array(page.buffer), rows: new Map() })
  }

  /** A worker made a series. A slot that is announced again belongs to the new series from then on. */
  series(worker: number, message: SeriesMessage): void {
    const { metric, labels, ref } = message
    const page = this.pages.get(ref.page)
    if (page === undefined || page.worker !== worker || !Object.hasOwn(this.table, metric)) return
    const before = page.rows.get(ref.slot)
    if (before !== undefined) this.detach(before, worker)
    const row = this.row(metric, labels)
    const elsewhere = row.columns.get(worker)
    if (elsewhere !== undefined) this.pages.get(elsewhere.page)?.rows.delete(elsewhere.slot)
    row.columns.set(worker, ref)
    page.rows.set(ref.slot, row)
  }

  /** A worker has ended: its counts stay, its pages are zeroed and free. */
  fold(worker: number): void {
    for (const [id, page] of this.pages) {
      if (page.worker !== worker) continue
      for (const [slot, row] of page.rows) {
        for (let i = 0; i < row.base.length; i++) row.base[i] = at(row.base, i) + at(page.view, slot + i)
        row.columns.delete(worker)
      }
      page.view.fill(0)
      this.pages.delete(id)
    }
  }

  /** Drops the series of an endpoint that left; one that counts again comes back. */
  forget(endpoint: string): void {
    for (const family of this.families.values()) {
      for (const row of family.values()) {
        if (row.labels.endpoint === endpoint) this.hide(row)
      }
    }
  }

  /** Metrics whose values are read at each scrape. Throws if one of them exists already. */
  add(gauges: Gauges): void {
    for (const [name, read] of Object.entries(gauges)) this.show(this.familyOf(name, read))
  }

  /** The same for parts whose metrics come and go with plug-ins: asked at each scrape which there are. */
  follow(gauges: () => Gauges): void {
    this.followed.push(gauges)
  }

  /**
   * Other features are about to be live. Throws where a metric that was counted would mean something else. Returns what
   * takes it back.
   */
  extend(features: readonly AnyFeature[]): () => void {
    const next = metricTable(features)
    for (const [name, { kind, labels }] of Object.entries(next)) {
      const known = this.table[name]
      if (known !== undefined && (known.kind !== kind || known.labels.join() !== labels.join()))
        throw new Error(
          `the metric ${name} had other labels, or was of another kind: it takes another name, or a restart`,
        )
    }
    // What workers that leave still count stays known.
    const before = this.table
    this.table = { ...before, ...next }
    return () => {
      this.table = before
    }
  }

  /** Value of a counter of the workers; 0 if it does not exist. */
  count(metric: string, labels: readonly string[]): number {
    const row = this.families.get(metric)?.get(labels.join('\0'))
    return row === undefined ? 0 : at(this.sum(row), 0)
  }

  /** The series of a metric that workers count, over all of them. */
  *read(metric: string): Generator<SeriesReading> {
    for (const row of this.families.get(metric)?.values() ?? []) {
      const slots = this.sum(row)
      if (row.forgotten !== at(slots, 0)) yield { labels: row.labels, slots }
    }
  }

  /** An observation of a sampled trace; the series must have been counted. */
  exemplify(metric: string, labels: readonly string[], exemplar: Exemplar): void {
    const row = this.families.get(metric)?.get(labels.join('\0'))
    if (row === undefined) return
    const bucket = BUCKETS.findIndex((bound) => exemplar.seconds <= bound)
    row.exemplars ??= new Array(BUCKETS.length + 1).fill(undefined)
    row.exemplars[bucket === -1 ? BUCKETS.length : bucket] = exemplar
  }

  /** All metrics, written without blocking the event loop for long. */
  async expose(form: Form = 'text'): Promise<{ contentType: string; body: Buffer }> {
    const body = await expose(await this.all(), form, this.clock)
    return { contentType: CONTENT_TYPES[form], body }
  }

  /** All metrics; their series are read while they are gone through. */
  async all(): Promise<readonly Family[]> {
    const process = ((await this.process?.getMetricsAsJSON()) ?? []).map(ofProcess)
    const gauges = this.followed.flatMap((read) => Object.entries(read()))
    return [...process, ...this.shown, ...gauges.map(([name, read]) => this.familyOf(name, read))]
  }

  private detach(row: Row, worker: number): void {
    row.columns.delete(worker)
    // It made room: it is no longer counted.
    if (row.columns.size === 0) row.family.delete(row.key)
    else if (row.forgotten !== undefined) this.hide(row)
  }

  private hide(row: Row): void {
    if (row.columns.size === 0) row.family.delete(row.key)
    else row.forgotten = at(this.sum(row), 0)
  }

  private familyOf(name: string, read: () => Iterable<GaugeReading>): Family {
    const { kind, help, labels } = this.definition(name)
    return { name, help, kind, series: () => readSeries(labels, read) }
  }

  private definition(metric: string): MetricDefinition {
    const found = this.table[metric]
    if (found === undefined) throw new Error(`no metric ${metric}`)
    return found
  }

  private row(metric: string, labels: readonly string[]): Row {
    let rows = this.families.get(metric)
    if (rows === undefined) {
      rows = new Map()
      this.families.set(metric, rows)
      this.registerFamily(metric, rows)
    }
    const key = labels.join('\0')
    let row = rows.get(key)
    if (row === undefined) {
      const definition = this.definition(metric)
      const named = labelled(definition.labels, labels)
      row = {
        labels: named,
        text: labelText(named),
        base: new Float64Array(slotsOf(definition)),
        columns: new Map(),
        family: rows,
        key,
        forgotten: undefined,
        exemplars: undefined,
      }
      rows.set(key, row)
    }
    return row
  }

  private registerFamily(metric: string, rows: Map<string, Row>): void {
    const { kind, help } = this.definition(metric)
    this.show({ name: metric, help, kind, series: () => this.seriesOf(kind, rows) })
  }

  private *seriesOf(kind: MetricDefinition['kind'], rows: Map<string, Row>): Generator<Series> {
    for (const row of rows.values()) {
      const slots = this.sum(row)
      if (row.forgotten === at(slots, 0)) continue
      row.forgotten = undefined
      const { labels, text } = row
      if (kind === 'histogram') yield { labels, value: slots, lines: histogram(row, slots) }
      else yield simple(labels, text, at(slots, 0))
    }
  }

  private sum(row: Row): Float64Array {
    const sum = row.base.slice()
    for (const ref of row.columns.values()) {
      const view = this.pages.get(ref.page)?.view
      if (view === undefined) continue
      for (let i = 0; i < sum.length; i++) sum[i] = at(sum, i) + at(view, ref.slot + i)
    }
    return sum
  }

  private show(family: Family): void {
    if (this.shown.some(({ name }) => name === family.name)) throw new Error(`${family.name} is already there`)
    this.shown.push(family)
  }
}

function* readSeries(labelNames: readonly string[], read: () => Iterable<GaugeReading>): Generator<Series> {
  for (const { labels, value } of read()) {
    const named = labelled(labelNames, labels)
    yield simple(named, labelText(named), value)
  }
}

function at(view: Float64Array, index: number): number {
  return view[index] as number
}

function labelled(names: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name, i) => [name, values[i] ?? '']))
}

const BOUNDS: readonly string[] = [...BUCKETS.map(String), '+Inf'].map((le) => `le="${le}"`)

function* histogram({ exemplars, text }: Row, slots: Float64Array): Generator<SampleLine> {
  let count = 0
  for (let i = 0; i < BOUNDS.length; i++) {
    count += at(slots, i)
    const labels = text === '' ? (BOUNDS[i] as string) : `${BOUNDS[i]},${text}`
    yield { suffix: '_bucket', labels, value: count, exemplar: exemplars?.[i] }
  }
  yield { suffix: '_sum', labels: text, value: at(slots, slots.length - 1), exemplar: undefined }
  yield { suffix: '_count', labels: text, value: count, exemplar: undefined }
}
