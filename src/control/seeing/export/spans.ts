import type { WorkerMetrics } from '../../../core/series.ts'
import { type PackedRecord, type RequestRecord, SPAN_DROPS, type SpanDrop, unpackRecord } from '../../../core/spans.ts'
import type { Clock, ClockHandle } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import { within } from '../../../lib/within.ts'
import { CallGuard } from '../../../stores/guard.ts'
import { type Collector, CollectorBusy } from './collector.ts'
import type { SpanEncoder } from './sdk-spans.ts'

const BATCH_SPANS = 512
const EVERY_MS = 1_000
/** Longest Retry-After of a collector that is followed. */
const MAX_WAIT_MS = 60_000
const GUARD_WINDOW_MS = 30_000
const GUARD_OPEN_MS = 10_000
/** The end of the process waits no longer than this for a collector. */
const FLUSH_MS = 2_000

export interface SpanExportOptions {
  readonly encoder: Pick<SpanEncoder, 'encode' | 'rejected' | 'contentType'>
  readonly collector: Pick<Collector, 'send' | 'close'>
  /** Maximum spans that wait. */
  readonly waiting: number
  /** Called with the records that the collector has taken. */
  readonly sent: (records: readonly RequestRecord[]) => void
  readonly metrics: Pick<WorkerMetrics, 'counter'>
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn'>
}

/**
 * Sends records to a collector in batches, one after another. A collector that is down, slow or full costs a bounded queue
 * and nothing else: spans that do not fit are dropped and counted. Spans that it may take later are kept, refused ones are
 * not.
 */
export class SpanExport {
  private readonly options: SpanExportOptions
  private readonly guard: CallGuard<boolean>
  private queue: PackedRecord[] = []
  private spans = 0
  private batch: readonly PackedRecord[] = []
  /** Clock milliseconds since when spans wait. */
  private since = 0
  /** Clock milliseconds before which nothing is sent. */
  private notBefore = 0
  private timer: ClockHandle = undefined
  private sending: Promise<void> | undefined = undefined
  private works = true
  private closed = false

  constructor(options: SpanExportOptions) {
    this.options = options
    this.guard = new CallGuard<boolean>({
      call: () => this.send(),
      window: GUARD_WINDOW_MS,
      openFor: GUARD_OPEN_MS,
      onFailure: (error) => this.failed(error),
    })
    // Counters start at 0 and must not be missing: rates are taken of them.
    this.exported(0)
    for (const reason of SPAN_DROPS) this.drop(reason, 0)
  }

  take(records: readonly PackedRecord[]): void {
    if (this.queue.length === 0) this.since = this.options.clock.now()
    for (const record of records) {
      const { spans } = record
      if (this.closed || this.spans + spans > this.options.waiting) this.drop('queue_full', spans)
      else {
        this.queue.push(record)
        this.spans += spans
      }
    }
    this.arm()
  }

  /** Sends the waiting spans, for at most 2 s, and ends. */
  async close(): Promise<void> {
    const { clock, collector, log } = this.options
    this.closed = true
    clock.cancel(this.timer)
    await within(clock, FLUSH_MS, this.flush(), () => {})
    collector.close()
    this.guard.close()
    if (this.spans === 0) return
    log.warn('spans were dropped at the end', { spans: this.spans })
    this.drop('closed', this.spans)
    this.queue = []
    this.spans = 0
  }

  private async flush(): Promise<void> {
    await this.sending
    while (this.queue.length > 0 && (await this.turn())) {}
  }

  private arm(): void {
    const { clock } = this.options
    if (this.closed || this.sending !== undefined || this.queue.length === 0) return
    const due = Math.max(this.spans >= BATCH_SPANS ? 0 : this.since + EVERY_MS, this.notBefore)
    clock.cancel(this.timer)
    this.timer = clock.after(Math.max(0, due - clock.now()), () => {
      this.sending = this.turn().then(() => {
        this.sending = undefined
        this.since = clock.now()
        this.arm()
      })
    })
  }

  /** One batch. False: it stays. */
  private async turn(): Promise<boolean> {
    let spans = 0
    let end = 0
    while (end < this.queue.length && spans < BATCH_SPANS) spans += (this.queue[end++] as PackedRecord).spans
    this.batch = this.queue.slice(0, end)
    if (!(await this.guard.run(false))) return false
    this.queue.splice(0, end)
    this.spans -= spans
    return true
  }

  /** True: the batch is done with. Rejects where it is not. */
  private async send(): Promise<boolean> {
    const { collector, encoder, log } = this.options
    const spans = this.batch.reduce((sum, record) => sum + record.spans, 0)
    try {
      const records = this.batch.map(unpackRecord)
      const answer = await collector.send(encoder.encode(records), encoder.contentType)
      const rejected = Math.min(spans, encoder.rejected(answer))
      this.drop('rejected', rejected)
      this.exported(spans - rejected)
      this.options.sent(records)
      if (!this.works) log.info('the collector accepts spans again')
      this.works = true
    } catch (error) {
      if (error instanceof CollectorBusy) throw error
      this.drop('rejected', spans)
      this.fails(error)
    }
    return true
  }

  /** The batch stays. */
  private failed(error: Error): void {
    const { clock } = this.options
    const asked = error instanceof CollectorBusy ? (error.retryAfterMs ?? 0) : 0
    this.notBefore = clock.now() + Math.min(MAX_WAIT_MS, Math.max(EVERY_MS, asked))
    if (error instanceof CollectorBusy) this.fails(error)
  }

  private fails(error: unknown): void {
    if (this.works)
      this.options.log.warn('the collector does not accept spans', { error: String((error as Error).message) })
    this.works = false
  }

  private exported(spans: number): void {
    this.options.metrics.counter('sluice_spans_exported_total', []).inc(spans)
  }

  private drop(reason: SpanDrop, spans: number): void {
    this.options.metrics.counter('sluice_spans_dropped_total', [reason]).inc(spans)
  }
}
