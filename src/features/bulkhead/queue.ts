import type { HeldCell } from '../../cells/held.ts'
import type { CellRef } from '../../cells/pages.ts'
import { CellSpace } from '../../cells/space.ts'
import { toWord } from '../../cells/words.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { FeatureContext } from '../../core/feature.ts'
import { IMPORTANCES } from '../../core/importance.ts'
import type { Refusal } from '../../core/verdict.ts'
import { Timer } from '../../lib/timers.ts'
import type { QueueCells } from './cells.ts'
import { isOverloaded, QueueBoard } from './queue-board.ts'
import { type Waiter, WaitingLine } from './waiting-line.ts'
import type { decisions, metrics } from './words.ts'

/** Milliseconds and requests, of all workers together. */
export interface QueueOptions {
  readonly size: number
  readonly maxWait: number
  /** undefined: always first in, first out. */
  readonly newestFirstAfter: number | undefined
}

/** How many permits there are, as of now. */
export interface Limit {
  readonly current: number
}

const NOTHING: Limit = { current: 0 }

/** What the queues of a worker depend on. */
export interface QueueDeps
  extends Pick<
    FeatureContext<unknown, typeof metrics, typeof decisions>,
    'space' | 'clock' | 'timers' | 'mail' | 'metrics' | 'note'
  > {
  /** The worker has waiters again. */
  readonly onWaiting: (queue: BulkheadQueue) => void
}

/** A word of shared memory. */
interface Word {
  readonly view: Int32Array
  readonly slot: number
}

/** How often a free permit is asked for again that two workers raced for. */
const CONTENDED = 8

/** A request in the queue, and its state. */
export class Waiting implements Waiter {
  readonly importance: number
  readonly key: string
  readonly arrivedAt: number
  readonly ex: Exchange
  readonly timer: Timer
  state: 'waiting' | 'granted' | 'gone' = 'waiting'
  /** Set once the exchange waits for the verdict. */
  resolve: ((verdict: undefined | Refusal) => void) | undefined = undefined

  constructor(ex: Exchange, importance: number, key: string, now: number, expired: (waiting: Waiting) => void) {
    this.ex = ex
    this.importance = importance
    this.key = key
    this.arrivedAt = now
    this.timer = new Timer(() => expired(this))
  }
}

/**
 * One worker's part of the queue for a route's permits. All workers see on the board whose turn it is. A worker with a free
 * permit gives it to its own waiter if it is that waiter's turn, else it wakes the worker whose turn it is; that one takes
 * permits as long as it is its turn, and wakes the next. A waiter that leaves looks, too, so that no wake-up is lost with
 * it. No waiter is overlooked: it first stands on the board and then looks for a permit; a permit is first given back, then
 * the board is read.
 */
export class BulkheadQueue {
  private readonly deps: QueueDeps
  private readonly route: string
  /** Of the first that waited on: a route without one has no series. */
  private waits: { observe(seconds: number): void } | undefined = undefined
  private readonly permits: HeldCell
  private readonly waiting: HeldCell
  private readonly board: QueueBoard
  private readonly emptyAt: Word
  private readonly excess: Word
  private readonly line = new WaitingLine<Waiting>(IMPORTANCES.length)
  private limit: Limit = NOTHING
  private options: QueueOptions = { size: 0, maxWait: 0, newestFirstAfter: undefined }

  /** @param inFlight the permits that it is for */
  constructor(route: string, inFlight: CellRef, { waiting, board, emptyAt, excess }: QueueCells, deps: QueueDeps) {
    const { space } = deps
    this.route = route
    this.deps = deps
    this.permits = space.held(inFlight)
    this.waiting = space.held(waiting)
    this.board = new QueueBoard(space.int32(board), board.slot, CellSpace.columnSlots(space.workers), space.worker)
    this.emptyAt = { view: space.int32(emptyAt), slot: emptyAt.slot }
    this.excess = { view: space.int32(excess), slot: excess.slot }
  }

  /** No request waits in any worker. */
  get empty(): boolean {
    return this.waiting.sum() === 0
  }

  /** Requests that wait in this worker. */
  get length(): number {
    return this.line.length
  }

  /** A place in the queue, or undefined: it is full. The place may have its permit already. */
  enter(ex: Exchange, importance: number, key: string, limit: Limit, options: QueueOptions): Waiting | undefined {
    const now = this.deps.clock.now()
    this.limit = limit
    this.options = options
    if (this.empty) this.wasEmpty(now)
    if (!this.waiting.takeBelow(options.size) && !this.makeRoom(importance, key)) {
      this.look()
      return undefined
    }
    const waiting = new Waiting(ex, importance, key, now, this.expired)
    this.line.add(waiting)
    this.publish(importance)
    this.look()
    if (waiting.state === 'waiting') {
      const { maxWait, newestFirstAfter = maxWait } = options
      const longest = this.isOverloaded(now) ? Math.min(maxWait, newestFirstAfter) : maxWait
      this.deps.timers.schedule(waiting.timer, longest)
      this.deps.onWaiting(this)
    }
    return waiting
  }

  /** A permit was given back. */
  released(limit: Limit): void {
    if (this.empty) return
    this.limit = limit
    this.look()
  }

  /** It no longer waits, and gets no verdict. */
  leave(waiting: Waiting): void {
    if (waiting.state === 'waiting') this.end(waiting, 'gone', undefined)
  }

  /**
   * Makes a place in a full queue: that of the least important waiter, if it is less important, or of the client with the
   * most waiters, if it has more than this one. A waiter in another worker is shed there: for a moment the queue is longer.
   */
  private makeRoom(importance: number, key: string): boolean {
    const newestFirst = this.isOverloaded(this.deps.clock.now())
    const last = this.board.last(newestFirst)
    if (last !== undefined && last.importance > importance) {
      if (last.worker === this.deps.space.worker) this.shed(last.importance, newestFirst)
      else if (Atomics.load(this.excess.view, this.excess.slot) < this.board.below(importance)) {
        Atomics.add(this.excess.view, this.excess.slot, 1)
        this.waiting.take()
        this.deps.mail.post(last.worker)
        return true
      }
    } else {
      const { line } = this
      const greediest = line.last(importance, newestFirst)
      if (greediest === undefined) return false
      if (line.lengthOfKey(importance, greediest.key) <= line.lengthOfKey(importance, key) + 1) return false
      this.end(greediest, 'gone', this.shedRefusal)
    }
    return this.waiting.takeBelow(this.options.size)
  }

  /** Sheds waiters for more important ones that wait in other workers. */
  private shedExcess(): void {
    const { view, slot } = this.excess
    for (let excess = Atomics.load(view, slot); excess > 0; excess = Atomics.load(view, slot)) {
      const newestFirst = this.isOverloaded(this.deps.clock.now())
      const last = this.waiting.sum() > this.options.size ? this.board.last(newestFirst) : undefined
      if (last !== undefined && last.worker !== this.deps.space.worker) {
        this.deps.mail.post(last.worker)
        return
      }
      if (Atomics.compareExchange(view, slot, excess, excess - 1) !== excess) continue
      if (last !== undefined) this.shed(last.importance, newestFirst)
    }
  }

  private shed(importance: number, newestFirst: boolean): void {
    const victim = this.line.last(importance, newestFirst)
    if (victim !== undefined) this.end(victim, 'gone', this.shedRefusal)
  }

  private get shedRefusal(): Refusal {
    return { reason: 'shed', phase: 'queue', retryAfterMs: this.comeAgainMs }
  }

  /**
   * Gives free permits to the waiters whose turn it is; wakes the worker whose turn comes next. True: a waiter got one
   * here.
   */
  look(): boolean {
    let granted = false
    this.shedExcess()
    for (let contended = 0; contended < CONTENDED; ) {
      const newestFirst = this.isOverloaded(this.deps.clock.now())
      const next = this.board.next(newestFirst)
      if (next === undefined) break
      if (next.worker !== this.deps.space.worker) {
        if (this.hasFree) this.deps.mail.post(next.worker)
        break
      }
      if (this.grant(next.importance, newestFirst)) granted = true
      else if (this.hasFree) contended++
      else break
    }
    return granted
  }

  /** Like {@link look}, for one waiter whose turn it is not: the worker whose turn it is does not come. */
  jump(): void {
    const newestFirst = this.isOverloaded(this.deps.clock.now())
    const importance = IMPORTANCES.findIndex((_, i) => this.line.lengthOf(i) > 0)
    if (importance !== -1) this.grant(importance, newestFirst)
  }

  get hasFree(): boolean {
    return this.permits.sum() < this.limit.current
  }

  private grant(importance: number, newestFirst: boolean): boolean {
    const waiting = this.line.peek(importance, newestFirst)
    if (waiting === undefined || !this.permits.takeBelow(this.limit.current)) return false
    this.line.take(importance, newestFirst)
    this.end(waiting, 'granted', undefined)
    return true
  }

  private readonly expired = (waiting: Waiting): void => {
    if (waiting.state === 'waiting')
      this.end(waiting, 'gone', { reason: 'queue_timeout', phase: 'queue', retryAfterMs: this.comeAgainMs })
  }

  /** Removes it from the queue: with a permit, or with the reason of the verdict. */
  private end(waiting: Waiting, state: 'granted' | 'gone', verdict: Refusal | undefined): void {
    const { clock, timers } = this.deps
    const { ex, importance, timer, arrivedAt } = waiting
    const now = clock.now()
    waiting.state = state
    timers.cancel(timer)
    this.line.remove(waiting)
    this.publish(importance)
    this.waiting.give()
    if (this.empty) this.wasEmpty(now)
    ex.queuedMs += now - arrivedAt
    this.waits ??= this.deps.metrics.histogram('sluice_queue_wait_seconds', [this.route])
    this.waits.observe((now - arrivedAt) / 1000)
    if (ex.trace !== undefined) this.deps.note(ex, 'queued', { ms: Math.round(now - arrivedAt) }, arrivedAt)
    if (state === 'granted' || verdict !== undefined) waiting.resolve?.(verdict)
    if (state === 'gone') this.look()
  }

  private publish(importance: number): void {
    const { board, line } = this
    const oldest = line.peek(importance, false)?.arrivedAt ?? 0
    const newest = line.peek(importance, true)?.arrivedAt ?? 0
    board.publish(importance, line.lengthOf(importance), oldest, newest)
  }

  get comeAgainMs(): number {
    return Math.max(1_000, this.options.maxWait)
  }

  private isOverloaded(now: number): boolean {
    const { view, slot } = this.emptyAt
    return isOverloaded(Atomics.load(view, slot), now, this.options.newestFirstAfter)
  }

  private wasEmpty(now: number): void {
    const { view, slot } = this.emptyAt
    Atomics.store(view, slot, toWord(now))
  }
}
