import type { FromWorker } from '../../../core/protocol.ts'
import type { PackedRecord } from '../../../core/spans.ts'
import type { Clock, ClockHandle } from '../../../lib/clock.ts'

/** Records of a worker that the control plane has not taken: written, and on their way. */
const MAX_RECORDS = 1024
const BATCH = 256
/** Each hand-over wakes the control plane, which evicts the caches of a core that it shares with a worker. */
const EVERY_MS = 500

/**
 * Where a worker's records wait for the control plane, which takes them batch by batch. If it cannot keep up, no more are
 * made: the worker never waits, and holds a bounded number.
 */
export class SpanOutbox {
  private readonly post: (message: FromWorker) => void
  private readonly clock: Clock
  private waiting: PackedRecord[] = []
  private underway = 0
  private due: ClockHandle = undefined

  constructor(post: (message: FromWorker) => void, clock: Clock) {
    this.post = post
    this.clock = clock
  }

  get full(): boolean {
    return this.waiting.length + this.underway >= MAX_RECORDS
  }

  put(record: PackedRecord): void {
    this.waiting.push(record)
    if (this.waiting.length >= BATCH) this.flush()
    else
      this.due ??= this.clock.after(EVERY_MS, () => {
        this.due = undefined
        this.flush()
      })
  }

  /** Sends all records. */
  flush(): void {
    const { waiting } = this
    if (waiting.length === 0) return
    this.waiting = []
    this.underway += waiting.length
    this.post({ type: 'spans', records: waiting })
  }

  /** Sends all records; no timer is left. */
  close(): void {
    this.clock.cancel(this.due)
    this.flush()
  }

  /** The control plane has taken `records` of them. */
  taken(records: number): void {
    this.underway -= records
  }
}
