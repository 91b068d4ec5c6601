import { HeldCell } from './held.ts'
import { type CellRef, PAGE_BYTES, type Page } from './pages.ts'
import { OutcomeWindow } from './window.ts'

/** A thread's view of the shared pages. `worker` is its column; the control plane uses 0 and only reads. */
export class CellSpace {
  readonly workers: number
  readonly worker: number
  readonly sharing: number
  private readonly ints = new Map<number, Int32Array>()
  private readonly floats = new Map<number, Float64Array>()

  /** @param sharing how many of the workers serve at a time: what they have in common is divided among these */
  constructor(workers: number, worker: number, sharing: number = workers) {
    this.workers = workers
    this.sharing = sharing
    this.worker = worker
  }

  add(pages: readonly Page[]): void {
    for (const page of pages) {
      if (page.kind === 'floats') this.floats.set(page.id, new Float64Array(page.buffer))
      else if (page.kind === 'words') this.ints.set(page.id, new Int32Array(page.buffer))
      // Whole columns only: the remainder at the end of the page stays unused.
      else this.ints.set(page.id, new Int32Array(page.buffer, 0, CellSpace.columnSlots(this.workers) * this.workers))
    }
  }

  /** Int32 slots per column of an `ints` page. Whole cache lines, so that no two workers share one. */
  static columnSlots(workers: number): number {
    return Math.floor(PAGE_BYTES / 64 / workers) * 16
  }

  held(ref: CellRef): HeldCell {
    return new HeldCell(this.int32(ref), ref.slot, CellSpace.columnSlots(this.workers), this.worker)
  }

  /** Outcomes of the latest `windowMs` milliseconds; `ref`: the first of its slots. */
  window(ref: CellRef, windowMs: number): OutcomeWindow {
    return new OutcomeWindow(this.int32(ref), ref.slot, CellSpace.columnSlots(this.workers), this.worker, windowMs)
  }

  /** The word's page; use with `ref.slot` and `Atomics`. */
  int32(ref: CellRef): Int32Array {
    const view = this.ints.get(ref.page)
    if (view === undefined) throw new Error(`no page ${ref.page}`)
    return view
  }

  float64(ref: CellRef): Float64Array {
    const view = this.floats.get(ref.page)
    if (view === undefined) throw new Error(`no page ${ref.page}`)
    return view
  }
}
