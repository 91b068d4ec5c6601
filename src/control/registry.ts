import { type CellRef, PAGE_BYTES, type Page, type PageKind } from '../cells/pages.ts'
import { CellSpace } from '../cells/space.ts'
import type { EndpointCells, RouteCells } from '../core/protocol.ts'

/** How far workers have come: config generations that may still run requests, and endpoint updates. */
export interface Mark {
  readonly generation: number
  readonly update: number
}

/** What gives an endpoint's numbers their meaning. Weight, tier and limits change without touching them. */
export interface EndpointIdentity {
  readonly upstream: string
  readonly scheme: 'http' | 'https'
  readonly address: string
  readonly port: number
  /** Name in SNI; empty for plain HTTP. */
  readonly sni: string
}

/** Cells of one identity: they are given out, retired and used again together. */
interface Entry {
  readonly key: string
  readonly held: readonly CellRef[]
  readonly words: readonly CellRef[]
  leases: number
  retired: Mark | undefined
}

/** Where the next cell of a kind of page comes from. */
interface Supply {
  readonly free: CellRef[]
  page: number
  next: number
}

const WORDS = PAGE_BYTES / Int32Array.BYTES_PER_ELEMENT

/**
 * Allocates all shared cells: state hangs on `kind + identity`, never on a snapshot, so that it survives new config
 * generations. Users hold leases; a cell that no lease has is retired, and its memory is used again once nothing is
 * held in it and every worker has passed its retirement.
 */
export class CellRegistry {
  readonly workers: number
  /** Pages that every worker needs, in order of allocation. */
  readonly pages: Page[] = []
  private readonly space: CellSpace
  private readonly entries = new Map<string, Entry>()
  private readonly retired = new Set<Entry>()
  private readonly ints: Supply = { free: [], page: -1, next: 0 }
  private readonly words: Supply = { free: [], page: -1, next: 0 }
  private readonly floats: Page[][]
  private nextId = 0

  constructor(workers: number) {
    this.workers = workers
    this.space = new CellSpace(workers, 0)
    this.floats = Array.from({ length: workers }, () => [])
  }

  /** Cells stay as long as one lease has them. */
  lease(): Lease {
    return new Lease((key, held, words) => this.take(key, held, words))
  }

  /** @internal The cells of a key, made where there are none; one lease more. */
  private take(key: string, held: number, words: number): Taken {
    let entry = this.entries.get(key)
    if (entry === undefined) {
      entry = {
        key,
        held: Array.from({ length: held }, () => this.allocate('ints')),
        words: Array.from({ length: words }, () => this.allocate('words')),
        leases: 0,
        retired: undefined,
      }
      this.entries.set(key, entry)
    }
    const taken = entry
    taken.leases++
    taken.retired = undefined
    this.retired.delete(taken)
    return { held: taken.held, words: taken.words, give: (mark) => this.give(taken, mark) }
  }

  /** Uses retired cells again that nothing is held in and that every worker has passed. */
  reclaim(passed: Mark): void {
    for (const entry of this.retired) {
      const mark = entry.retired as Mark
      if (passed.generation < mark.generation || passed.update < mark.update) continue
      if (entry.held.some((ref) => this.sum(ref) !== 0)) continue
      this.retired.delete(entry)
      this.entries.delete(entry.key)
      for (const ref of entry.words) Atomics.store(this.space.int32(ref), ref.slot, 0)
      this.ints.free.push(...entry.held)
      this.words.free.push(...entry.words)
    }
  }

  /** Value of a held cell: the sum over all workers. */
  sum(ref: CellRef): number {
    return this.space.held(ref).sum()
  }

  /** Value of a word. */
  read(ref: CellRef): number {
    return Atomics.load(this.space.int32(ref), ref.slot)
  }

  write(ref: CellRef, value: number): void {
    Atomics.store(this.space.int32(ref), ref.slot, value)
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

  private allocate(kind: 'ints' | 'words'): CellRef {
    const supply = this[kind]
    const again = supply.free.pop()
    if (again !== undefined) return again
    const slots = kind === 'ints' ? CellSpace.columnSlots(this.workers) : WORDS
    if (supply.page === -1 || supply.next === slots) {
      const page = this.newPage(kind)
      this.pages.push(page)
      this.space.add([page])
      supply.page = page.id
      supply.next = 0
    }
    return { page: supply.page, slot: supply.next++ }
  }

  private newPage(kind: PageKind): Page {
    return { id: this.nextId++, kind, buffer: new SharedArrayBuffer(PAGE_BYTES) }
  }
}

/** Cells as a lease has them. */
interface Taken {
  readonly held: readonly CellRef[]
  readonly words: readonly CellRef[]
  give(mark: Mark): void
}

/** The cells that one user (a config generation, the endpoints of an upstream, a worker) keeps alive. */
export class Lease {
  private readonly taken = new Map<string, Taken>()
  private readonly take: (key: string, held: number, words: number) => Taken

  constructor(take: (key: string, held: number, words: number) => Taken) {
    this.take = take
  }

  route(name: string): RouteCells {
    return { inFlight: this.cells(`route\0${name}`, 1, 0).held[0] as CellRef }
  }

  endpoint({ upstream, scheme, address, port, sni }: EndpointIdentity): EndpointCells {
    const { held, words } = this.cells(`endpoint\0${upstream}\0${scheme}\0${address}\0${port}\0${sni}`, 2, 1)
    return { inFlight: held[0] as CellRef, connections: held[1] as CellRef, state: words[0] as CellRef }
  }

  /** Open connections of a listener. */
  listener(name: string): CellRef {
    return this.cells(`listener\0${name}`, 1, 0).held[0] as CellRef
  }

  heartbeat(worker: number): CellRef {
    return this.cells(`heartbeat\0${worker}`, 0, 1).words[0] as CellRef
  }

  /** Cells that no other lease has are retired at `mark`. */
  release(mark: Mark): void {
    for (const taken of this.taken.values()) taken.give(mark)
    this.taken.clear()
  }

  private cells(key: string, held: number, words: number): Taken {
    let taken = this.taken.get(key)
    if (taken === undefined) {
      taken = this.take(key, held, words)
      this.taken.set(key, taken)
    }
    return taken
  }
}
