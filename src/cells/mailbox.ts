import type { CellRef } from './pages.ts'
import type { CellSpace } from './space.ts'

/** How workers wake each other. A mail carries no content but "look": the work to do stands in other cells. */
export interface Mail {
  /** Wakes a worker, including this one. Never blocks, never fails: a mail to a worker that has ended is lost. */
  post(worker: number): void
  /** Calls back after each mail, once for several that came together. */
  listen(onMail: () => void): void
  /** Mails so far, including those that the listener has not been told about. Grows, and wraps. */
  readonly count: number
}

/**
 * One word per worker, by which others wake it: it grows by one with each mail. The owner keeps exactly one
 * `Atomics.waitAsync` on it, which costs nothing while no mail comes, keeps no thread alive and ends with it.
 */
export class Mailboxes implements Mail {
  private readonly boxes: readonly { readonly view: Int32Array; readonly slot: number }[]
  private readonly own: number
  private readonly listeners: (() => void)[] = []
  private closed = false

  /** `refs`: words, one per worker. */
  constructor(space: CellSpace, refs: readonly CellRef[]) {
    this.boxes = refs.map((ref) => ({ view: space.int32(ref), slot: ref.slot }))
    this.own = space.worker
  }

  get count(): number {
    const { view, slot } = this.box(this.own)
    return Atomics.load(view, slot)
  }

  post(worker: number): void {
    const { view, slot } = this.box(worker)
    Atomics.add(view, slot, 1)
    Atomics.notify(view, slot, 1)
  }

  listen(onMail: () => void): void {
    this.listeners.push(onMail)
    if (this.listeners.length === 1) this.wait(this.count)
  }

  /** From now on there are no callbacks. */
  close(): void {
    this.closed = true
    this.post(this.own)
  }

  /** `seen`: the count that has been reported. */
  private wait(seen: number): void {
    const { view, slot } = this.box(this.own)
    const { value } = Atomics.waitAsync(view, slot, seen)
    void Promise.resolve(value).then(() => {
      if (this.closed) return
      // Read before the callback looks: a mail that arrives meanwhile causes another callback.
      const { count } = this
      for (const onMail of this.listeners) onMail()
      this.wait(count)
    })
  }

  private box(worker: number): Mailboxes['boxes'][number] {
    return this.boxes[worker] as Mailboxes['boxes'][number]
  }
}
