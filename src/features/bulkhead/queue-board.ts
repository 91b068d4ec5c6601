import { elapsed, toWord } from '../../cells/words.ts'
import { IMPORTANCES } from '../../core/importance.ts'

const RANKS = IMPORTANCES.length
/** Per importance: how many wait, and the arrival of the next waiter, oldest first and newest first. */
const FIELDS = 3

/** Int32 slots that a board takes in each worker's column. */
export const BOARD_SLOTS: number = RANKS * FIELDS

/** Where the next waiter is. */
export interface Next {
  readonly worker: number
  readonly importance: number
}

/**
 * What each worker tells the others about its waiters for one resource, so that all see whose turn it is. A worker writes
 * its own column only. Times are clock milliseconds in 32 bits.
 */
export class QueueBoard {
  private readonly view: Int32Array
  private readonly slot: number
  private readonly own: number
  private readonly stride: number

  /** `slot`: first of {@link BOARD_SLOTS} in each column of the page `view`; `stride`: slots per column. */
  constructor(view: Int32Array, slot: number, stride: number, worker: number) {
    this.view = view
    this.slot = slot
    this.stride = stride
    this.own = slot + worker * stride
  }

  /** Arrivals: of the next waiter with the oldest first, and with the newest first. */
  publish(importance: number, length: number, oldest: number, newest: number): void {
    const { view } = this
    const at = this.own + importance * FIELDS
    Atomics.store(view, at + 1, toWord(oldest))
    Atomics.store(view, at + 2, toWord(newest))
    // Written last: a worker that sees it sees whose turn it is.
    Atomics.store(view, at, length)
  }

  /**
   * Whose turn it is: among the most important waiters the one that waits longest, or with `newestFirst` shortest; of two,
   * the one in the worker with the smaller number. undefined: there are no waiters.
   */
  next(newestFirst: boolean): Next | undefined {
    for (let importance = 0; importance < RANKS; importance++) {
      const worker = this.best(importance, newestFirst)
      if (worker !== -1) return { worker, importance }
    }
    return undefined
  }

  /** The worker with the waiter that would be served last of all, the least important; undefined: there are no waiters. */
  last(newestFirst: boolean): Next | undefined {
    for (let importance = RANKS - 1; importance >= 0; importance--) {
      const worker = this.best(importance, !newestFirst)
      if (worker !== -1) return { worker, importance }
    }
    return undefined
  }

  /** Number of less important waiters, in all workers. */
  below(importance: number): number {
    const { view, stride } = this
    let count = 0
    for (let lower = importance + 1; lower < RANKS; lower++) {
      for (let at = this.slot + lower * FIELDS; at < view.length; at += stride) count += Atomics.load(view, at)
    }
    return count
  }

  private best(importance: number, newestFirst: boolean): number {
    const { view, stride } = this
    const field = newestFirst ? 2 : 1
    let best = -1
    let since = 0
    let worker = 0
    for (let at = this.slot + importance * FIELDS; at < view.length; at += stride, worker++) {
      if (Atomics.load(view, at) === 0) continue
      const arrived = Atomics.load(view, at + field)
      const earlier = (arrived - since) | 0
      if (best !== -1 && (newestFirst ? earlier <= 0 : earlier >= 0)) continue
      best = worker
      since = arrived
    }
    return best
  }
}

/**
 * Whether a queue is overloaded rather than catching up with a burst: it has not been empty for `interval` milliseconds.
 * Then the newest go first, since the oldest are about to give up anyway, and none waits longer than `interval`. Adaptive
 * last-in first-out with controlled delay: Maurer, "Fail at Scale", ACM Queue 13(8), 2015, after CoDel (Nichols and
 * Jacobson, "Controlling Queue Delay", ACM Queue 10(5), 2012).
 *
 * @param emptyAt word: when it was last empty
 */
export function isOverloaded(emptyAt: number, now: number, interval: number | undefined): boolean {
  return interval !== undefined && elapsed(emptyAt, now) > interval
}
