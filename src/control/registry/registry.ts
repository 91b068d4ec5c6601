import { type Mail, Mailboxes } from '../../cells/mailbox.ts'
import { type CellRef, PAGE_BYTES, type Page, type PageKind } from '../../cells/pages.ts'
import { CellSpace } from '../../cells/space.ts'
import { type OutcomeWindow, WINDOW_SLOTS } from '../../cells/window.ts'
import { PRESSURE_WORDS } from '../../core/pressure.ts'
import {
  type BreakerCells,
  type BulkheadCells,
  ENDPOINT_WORDS,
  type EndpointCells,
  type QueueCells,
  type RouteCells,
  type UpstreamCells,
} from '../../core/protocol.ts'
import { ADAPTIVE_WORDS } from '../../resilience/adaptive-limit.ts'
import { CIRCUIT_WORDS } from '../../resilience/circuit.ts'
import { BOARD_SLOTS } from '../../resilience/queue-board.ts'

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

/** Which cells a route needs beside the count of its requests. */
export interface RouteNeeds {
  /** Length of the breaker's window by upstream, milliseconds. Another length is another window; the state stays. */
  readonly breakers: ReadonlyMap<string, number>
  /** `queue`: requests may wait for a permit; `adaptive`: its limit changes. */
  readonly bulkhead: { readonly queue: boolean; readonly adaptive: boolean } | undefined
  readonly streams: boolean
}

/**
 * Slots one after another. `held`: one column a worker, and what stands in it is held; `columns`: one column a worker, of
 * which nothing is held; `words`.
 */
interface Block {
  readonly kind: 'held' | 'columns' | 'words'
  readonly size: number
  readonly ref: CellRef
}

type Shape = readonly Omit<Block, 'ref'>[]

/** Cells of one identity: they are given out, retired and used again together. */
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

const HELD = { kind: 'held', size: 1 } as const
const WORD = { kind: 'words', size: 1 } as const
const ROUTE: Shape = [HELD]
const OUTCOMES = { kind: 'columns', size: WINDOW_SLOTS } as const
const ENDPOINT: Shape = [HELD, HELD, { kind: 'words', size: ENDPOINT_WORDS }, OUTCOMES]
const UPSTREAM: Shape = [HELD, HELD, WORD, OUTCOMES]
const LISTENER: Shape = [HELD]
const HEARTBEAT: Shape = [WORD]
const PRESSURE: Shape = [{ kind: 'words', size: PRESSURE_WORDS }]
const BREAKER: Shape = [{ kind: 'words', size: CIRCUIT_WORDS }]
const WINDOW: Shape = [OUTCOMES]
const BULKHEAD: Shape = [HELD]
const STREAMS: Shape = [HELD]
const QUEUE: Shape = [HELD, { kind: 'columns', size: BOARD_SLOTS }, WORD, WORD]
const LIMIT: Shape = [{ kind: 'words', size: ADAPTIVE_WORDS }]
const MAILBOX: Shape = [WORD]

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

  /** @internal The cells of a key, made where there are none; one lease more. */
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

  /** Uses retired cells again that nothing is held in and that every worker has passed. */
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

  private allocate({ kind, size }: Shape[number]): Block {
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

/** Cells as a lease has them. */
interface Taken {
  readonly refs: readonly CellRef[]
  give(mark: Mark): void
}

/** The cells that one user (a config generation, the endpoints of an upstream, a worker) keeps alive. */
export class Lease {
  private readonly taken = new Map<string, Taken>()
  private readonly take: (key: string, shape: Shape) => Taken

  constructor(take: (key: string, shape: Shape) => Taken) {
    this.take = take
  }

  route(name: string, { breakers, bulkhead, streams }: RouteNeeds = NO_NEEDS): RouteCells {
    const [inFlight] = this.cells(`route\0${name}`, ROUTE) as [CellRef]
    return {
      inFlight,
      breakers: Object.fromEntries(
        Array.from(breakers, ([upstream, windowMs]) => [upstream, this.breaker(name, upstream, windowMs)]),
      ),
      bulkhead: bulkhead && this.bulkhead(name, bulkhead),
      streams: streams ? this.cells(`streams\0${name}`, STREAMS)[0] : undefined,
    }
  }

  endpoint({ upstream, scheme, address, port, sni }: EndpointIdentity): EndpointCells {
    const key = `endpoint\0${upstream}\0${scheme}\0${address}\0${port}\0${sni}`
    const [inFlight, connections, state, outcomes] = this.cells(key, ENDPOINT) as [CellRef, CellRef, CellRef, CellRef]
    return { inFlight, connections, state, outcomes }
  }

  upstream(name: string): UpstreamCells {
    const refs = this.cells(`upstream\0${name}`, UPSTREAM) as [CellRef, CellRef, CellRef, CellRef]
    const [inFlight, waiting, ejected, tries] = refs
    return { inFlight, waiting, ejected, tries }
  }

  /** Open connections of a listener. */
  listener(name: string): CellRef {
    return this.cells(`listener\0${name}`, LISTENER)[0] as CellRef
  }

  /** First of `PRESSURE_WORDS`. */
  pressure(worker: number): CellRef {
    return this.cells(`pressure\0${worker}`, PRESSURE)[0] as CellRef
  }

  heartbeat(worker: number): CellRef {
    return this.cells(`heartbeat\0${worker}`, HEARTBEAT)[0] as CellRef
  }

  /** With what other workers wake this one. */
  mailbox(worker: number): CellRef {
    return this.cells(`mailbox\0${worker}`, MAILBOX)[0] as CellRef
  }

  /** Cells that no other lease has are retired at `mark`. */
  release(mark: Mark): void {
    for (const taken of this.taken.values()) taken.give(mark)
    this.taken.clear()
  }

  private bulkhead(route: string, { adaptive, queue }: NonNullable<RouteNeeds['bulkhead']>): BulkheadCells {
    const [inFlight] = this.cells(`bulkhead\0${route}`, BULKHEAD) as [CellRef]
    return {
      inFlight,
      queue: queue ? this.queue(route) : undefined,
      limit: adaptive ? this.cells(`limit\0${route}`, LIMIT)[0] : undefined,
    }
  }

  private queue(route: string): QueueCells {
    const refs = this.cells(`queue\0${route}`, QUEUE) as [CellRef, CellRef, CellRef, CellRef]
    const [waiting, board, emptyAt, excess] = refs
    return { waiting, board, emptyAt, excess }
  }

  private breaker(route: string, upstream: string, windowMs: number): BreakerCells {
    const [state] = this.cells(`breaker\0${route}\0${upstream}`, BREAKER) as [CellRef]
    const [window] = this.cells(`window\0${route}\0${upstream}\0${windowMs}`, WINDOW) as [CellRef]
    return { state, window }
  }

  private cells(key: string, shape: Shape): readonly CellRef[] {
    let taken = this.taken.get(key)
    if (taken === undefined) {
      taken = this.take(key, shape)
      this.taken.set(key, taken)
    }
    return taken.refs
  }
}

const NO_NEEDS: RouteNeeds = { breakers: new Map(), bulkhead: undefined, streams: false }
