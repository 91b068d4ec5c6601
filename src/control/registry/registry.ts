import { type Mail, Mailboxes } from '../../cells/mailbox.ts'
import { type CellRef, PAGE_BYTES, type Page, type PageKind } from '../../cells/pages.ts'
import type { CellShape } from '../../cells/shape.ts'
import { CellSpace } from '../../cells/space.ts'
import type { OutcomeWindow } from '../../cells/window.ts'
import { Lease, type Mark, routeOfKey, type Shape, type Taken } from './lease.ts'

/** A contiguous block of cells. */
interface Block extends CellShape {
  readonly ref: CellRef
}

/** Cells of one identity: they are leased, retired and reused together. */
interface Entry {
  readonly key: string
  readonly blocks: readonly Block[]
  leases: number
  retired: Mark | undefined
}

/** Where the next cells of a kind of page come from. */
interface Supply {
  /** By size. */
  readonly free: Map<number, CellRef[]>
  page: number
  next: number
}

const WORDS = PAGE_BYTES / Int32Array.BYTES_PER_ELEMENT

/**
 * Allocates all shared cells: state hangs on `kind + identity`, never on a snapshot, so that it survives new config
 * generations. Users hold leases; a cell without a lease is retired, and its memory is reused once nothing is held in it
 * and every worker has passed its retirement.
 */
export class CellRegistry {
  readonly workers: number
  /** Pages that every worker needs, in order of allocation. */
  readonly pages: Page[] = []
  private readonly space: CellSpace
  private readonly entries = new Map<string, Entry>()
  private readonly retired = new Set<Entry>()
  private readonly ints: Supply = { free: new Map(), page: -1, next: 0 }
  private readonly wordSupply: Supply = { free: new Map(), page: -1, next: 0 }
  private readonly floats: Page[][]
  private nextId = 0

  constructor(workers: number) {
    this.workers = workers
    this.space = new CellSpace(workers, 0)
    this.floats = Array.from({ length: workers }, () => [])
  }

  /** Cells stay as long as one lease has them. */
  lease(): Lease {
    return new Lease((key, shape) => this.take(key, shape))
  }

  /** @internal The cells of a key, made if there are none; adds one lease. */
  private take(key: string, shape: Shape): Taken {
    let entry = this.entries.get(key)
    if (entry === undefined) {
      entry = { key, blocks: shape.map((block) => this.allocate(block)), leases: 0, retired: undefined }
      this.entries.set(key, entry)
    }
    const taken = entry
    taken.leases++
    taken.retired = undefined
    this.retired.delete(taken)
    return { refs: taken.blocks.map(({ ref }) => ref), give: (mark) => this.give(taken, mark) }
  }

  /** Reuses retired cells that nothing is held in and that every worker has passed. */
  reclaim(passed: Mark): void {
    for (const entry of this.retired) {
      const mark = entry.retired as Mark
      if (passed.generation < mark.generation || passed.update < mark.update) continue
      if (entry.blocks.some(({ kind, ref }) => kind === 'held' && this.sum(ref) !== 0)) continue
      this.retired.delete(entry)
      this.entries.delete(entry.key)
      for (const block of entry.blocks) this.free(block)
    }
  }

  /** Value of a held cell: the sum over all workers. */
  sum(ref: CellRef): number {
    return this.space.held(ref).sum()
  }

  /** What one worker holds of it. */
  heldBy(worker: number, ref: CellRef): number {
    return Atomics.load(this.space.int32(ref), ref.slot + worker * CellSpace.columnSlots(this.workers))
  }

  /** Outcomes of the latest `windowMs` milliseconds, of all workers. */
  window(ref: CellRef, windowMs: number): OutcomeWindow {
    return this.space.window(ref, windowMs)
  }

  /** Value of a word. */
  read(ref: CellRef): number {
    return Atomics.load(this.space.int32(ref), ref.slot)
  }

  /** The page of a block of words; use with `ref.slot` and `Atomics`. */
  words(ref: CellRef): Int32Array {
    return this.space.int32(ref)
  }

  write(ref: CellRef, value: number): void {
    Atomics.store(this.space.int32(ref), ref.slot, value)
  }

  /** Wakes workers. */
  mail(mailboxes: readonly CellRef[]): Pick<Mail, 'post'> {
    return new Mailboxes(this.space, mailboxes)
  }

  /** Requests that a worker has in flight, by route, of retired generations too. */
  inFlightOf(worker: number): Map<string, number> {
    const found = new Map<string, number>()
    const stride = CellSpace.columnSlots(this.workers)
    for (const { blocks, key } of this.entries.values()) {
      const route = routeOfKey(key)
      if (route === undefined) continue
      const { ref } = blocks[0] as Block
      const requests = Atomics.load(this.space.int32(ref), ref.slot + worker * stride)
      if (requests > 0) found.set(route, requests)
    }
    return found
  }

  /** Gives back all that a worker held. Only after its thread has exited. */
  zeroColumn(worker: number): void {
    const stride = CellSpace.columnSlots(this.workers)
    for (const page of this.pages) {
      if (page.kind === 'ints') new Int32Array(page.buffer).fill(0, worker * stride, (worker + 1) * stride)
    }
  }

  /** A metric page for a worker: number `index` of its own; it stays the worker's over restarts. */
  metricPage(worker: number, index: number): Page {
    const own = this.floats[worker] as Page[]
    const page = own[index] ?? this.newPage('floats')
    own[index] = page
    return page
  }

  private give(entry: Entry, mark: Mark): void {
    entry.leases--
    if (entry.leases > 0) return
    entry.retired = mark
    this.retired.add(entry)
  }

  private allocate({ kind, size }: CellShape): Block {
    const supply = kind === 'words' ? this.wordSupply : this.ints
    const again = supply.free.get(size)?.pop()
    if (again !== undefined) return { kind, size, ref: again }
    const slots = kind === 'words' ? WORDS : CellSpace.columnSlots(this.workers)
    if (supply.page === -1 || supply.next + size > slots) {
      const page = this.newPage(kind === 'words' ? 'words' : 'ints')
      this.pages.push(page)
      this.space.add([page])
      supply.page = page.id
      supply.next = 0
    }
    const ref = { page: supply.page, slot: supply.next }
    supply.next += size
    return { kind, size, ref }
  }

  /** Empty, for the next one of this size. */
  private free({ kind, size, ref }: Block): void {
    const view = this.space.int32(ref)
    const stride = kind === 'words' ? view.length : CellSpace.columnSlots(this.workers)
    for (let column = ref.slot; column < view.length; column += stride) view.fill(0, column, column + size)
    const supply = kind === 'words' ? this.wordSupply : this.ints
    const list = supply.free.get(size)
    if (list === undefined) supply.free.set(size, [ref])
    else list.push(ref)
  }

  private newPage(kind: PageKind): Page {
    return { id: this.nextId++, kind, buffer: new SharedArrayBuffer(PAGE_BYTES) }
  }
}
