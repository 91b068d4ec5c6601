const BUCKETS = 10
const FIELDS = 3

/** Int32 slots that a window takes in each worker's column: a tag, then epoch, total and failed of each bucket. */
export const WINDOW_SLOTS: number = 1 + BUCKETS * FIELDS

/** What a window holds at one moment. */
export interface WindowCounts {
  readonly total: number
  readonly failed: number
}

/**
 * Outcomes of the latest `windowMs` milliseconds, of all workers together, in ten buckets. Each worker writes only its own
 * column; a reader adds up all of them. A bucket counts for its epoch only, so that old outcomes expire however long the
 * gap between calls. The tag is a number that the counts belong to (a generation): counts of another tag are ignored.
 */
export class OutcomeWindow {
  private readonly view: Int32Array
  private readonly slot: number
  private readonly own: number
  private readonly stride: number
  private readonly bucketMs: number

  /** `slot`: first of {@link WINDOW_SLOTS} in each column of the page `view`; `stride`: slots per column. */
  constructor(view: Int32Array, slot: number, stride: number, worker: number, windowMs: number) {
    this.view = view
    this.slot = slot
    this.own = slot + worker * stride
    this.stride = stride
    this.bucketMs = windowMs / BUCKETS
  }

  /** Adds one outcome, now. */
  record(now: number, tag: number, failed: boolean): void {
    this.add(now, tag, 1, failed ? 1 : 0)
  }

  /** An outcome that was counted as a success was a failure after all. */
  spoil(now: number, tag: number): void {
    this.add(now, tag, 0, 1)
  }

  counts(now: number, tag: number): WindowCounts {
    const { view } = this
    const newest = this.epoch(now)
    let total = 0
    let failed = 0
    for (let column = this.slot; column < view.length; column += this.stride) {
      if (Atomics.load(view, column) !== tag) continue
      for (let i = 1; i < WINDOW_SLOTS; i += FIELDS) {
        const age = newest - Atomics.load(view, column + i)
        if (age >= BUCKETS || age < 0) continue
        total += Atomics.load(view, column + i + 1)
        failed += Atomics.load(view, column + i + 2)
      }
    }
    return { total, failed }
  }

  /** Adds `total` outcomes, now, of which `failed` failed. */
  add(now: number, tag: number, total: number, failed: number): void {
    const { view, own } = this
    if (view[own] !== tag) {
      // Emptied before the tag says that they count.
      for (let i = 1; i < WINDOW_SLOTS; i++) Atomics.store(view, own + i, 0)
      Atomics.store(view, own, tag)
    }
    const epoch = this.epoch(now)
    const bucket = own + 1 + (epoch % BUCKETS) * FIELDS
    if (view[bucket] !== epoch) {
      Atomics.store(view, bucket + 1, 0)
      Atomics.store(view, bucket + 2, 0)
      Atomics.store(view, bucket, epoch)
    }
    if (total !== 0) Atomics.add(view, bucket + 1, total)
    if (failed !== 0) Atomics.add(view, bucket + 2, failed)
  }

  /** From 1: 0 marks a bucket that was never used. */
  private epoch(now: number): number {
    return Math.floor(now / this.bucketMs) + 1
  }
}
