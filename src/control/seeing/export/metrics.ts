import type { Clock, ClockHandle } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import { within } from '../../../lib/within.ts'
import type { Family, Series } from '../metrics/exposition.ts'
import { type Collector, CollectorBusy } from './collector.ts'
import type { MetricsEncoder, Points, SeriesPoint } from './sdk-metrics.ts'

/** Series in one request: a few milliseconds to encode. */
const BATCH = 200
/** The end of the process waits no longer than this for a collector. */
const FLUSH_MS = 2_000

export interface MetricsExportOptions {
  readonly encoder: Pick<MetricsEncoder, 'encode' | 'contentType'>
  readonly collector: Pick<Collector, 'send' | 'close'>
  /** Milliseconds. */
  readonly every: number
  readonly families: () => Promise<readonly Family[]>
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn'>
}

/**
 * Sends all metrics to a collector periodically. They are cumulative: a collector that missed some gets them with the next
 * ones, so nothing waits for it.
 */
export class MetricsExport {
  private readonly options: MetricsExportOptions
  private timer: ClockHandle = undefined
  private sending: Promise<void> | undefined = undefined
  private works = true
  private closed = false

  constructor(options: MetricsExportOptions) {
    this.options = options
    this.arm(options.every)
  }

  /** Sends a last time, for at most 2 s. */
  async close(): Promise<void> {
    const { clock, collector } = this.options
    this.closed = true
    clock.cancel(this.timer)
    await within(clock, FLUSH_MS, this.last(), () => {})
    collector.close()
  }

  private async last(): Promise<void> {
    await this.sending
    if (this.works) await this.send()
  }

  private arm(ms: number): void {
    if (this.closed) return
    this.timer = this.options.clock.after(ms, () => {
      this.sending = this.send().then((wait) => {
        this.sending = undefined
        this.arm(Math.max(this.options.every, wait))
      })
    })
  }

  /** Milliseconds for which the collector asks for a pause. */
  private async send(): Promise<number> {
    const { clock, collector, encoder, families, log } = this.options
    try {
      for (const batch of batches(await families())) {
        await collector.send(encoder.encode(batch, clock.wall()), encoder.contentType)
      }
      if (!this.works) log.info('the collector accepts metrics again')
      this.works = true
      return 0
    } catch (error) {
      if (this.works) log.warn('the collector does not accept metrics', { error: String((error as Error).message) })
      this.works = false
      return error instanceof CollectorBusy ? (error.retryAfterMs ?? 0) : 0
    }
  }
}

/** The metrics in parts of some series each. */
function* batches(families: readonly Family[]): Generator<Points[]> {
  let batch: Points[] = []
  let size = 0
  for (const { help, kind, name, series } of families) {
    let points: SeriesPoint[] = []
    const part = (): Points => ({ name, help, kind: kind as Points['kind'], points })
    for (const one of series()) {
      const value = measured(one)
      if (value === undefined) continue
      points.push({ labels: one.labels, value })
      if (++size < BATCH) continue
      yield [...batch, part()]
      batch = []
      points = []
      size = 0
    }
    if (points.length > 0) batch.push(part())
  }
  if (batch.length > 0) yield batch
}

/** undefined: a histogram that prom-client measures, in buckets of its own. */
function measured({ value }: Series): SeriesPoint['value'] | undefined {
  if (value === undefined || typeof value === 'number') return value
  return { counts: Array.from(value.subarray(0, -1)), sum: value.at(-1) as number }
}
