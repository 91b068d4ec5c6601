import type { CellRef } from '../../cells/pages.ts'
import type { ClockHandle } from '../../lib/clock.ts'
import type { QueueCells } from './cells.ts'
import { BulkheadQueue, type QueueDeps } from './queue.ts'

const SWEEP_MS = 50

/**
 * All queues of one worker: looks at those with waiters whenever a mail comes, and every 50 ms in case one was lost. A
 * route has one queue over all generations of the config, found by its cells.
 */
export class BulkheadQueues {
  private readonly deps: Omit<QueueDeps, 'onWaiting'>
  private readonly lostWakeups: { inc(n: number): void }
  private readonly all = new Map<string, BulkheadQueue>()
  private readonly busy = new Set<BulkheadQueue>()
  /** Queues that had a free permit at the previous sweep. */
  private stuck: ReadonlySet<BulkheadQueue> = new Set()
  /** Permits that the previous sweep gave although no mail had announced them, and the mails by then. */
  private suspects = 0
  private mails = 0
  /** Mails that all queues have handled. */
  private heard = 0
  private listening = false
  private sweeping: ClockHandle = undefined

  constructor(deps: Omit<QueueDeps, 'onWaiting'>) {
    this.deps = deps
    this.lostWakeups = deps.metrics.counter('sluice_bulkhead_lost_wakeups_total', [])
  }

  of(route: string, permits: CellRef, cells: QueueCells): BulkheadQueue {
    const key = `${cells.waiting.page} ${cells.waiting.slot} ${permits.page} ${permits.slot}`
    let queue = this.all.get(key)
    if (queue === undefined) {
      queue = new BulkheadQueue(route, permits, cells, {
        ...this.deps,
        onWaiting: (waiting) => this.onWaiting(waiting),
      })
      this.all.set(key, queue)
    }
    return queue
  }

  private onWaiting(queue: BulkheadQueue): void {
    this.busy.add(queue)
    if (this.sweeping !== undefined) return
    const { mail } = this.deps
    if (!this.listening) mail.listen(() => this.look())
    this.listening = true
    this.mails = mail.count
    this.heard = this.mails
    this.arm()
  }

  private arm(): void {
    this.sweeping = this.deps.clock.after(SWEEP_MS, () => this.sweep())
  }

  private look(): void {
    this.heard = this.deps.mail.count
    for (const queue of this.busy) {
      queue.look()
      if (queue.length === 0) this.busy.delete(queue)
    }
  }

  /**
   * A permit that is free here, and that no mail announces by the next sweep either, is a lost wake-up. A permit that stays
   * free because the worker whose turn it is does not come goes to a waiter here.
   */
  private sweep(): void {
    const { mail } = this.deps
    const { count } = mail
    if (count === this.mails) this.lostWakeups.inc(this.suspects)
    this.suspects = 0
    this.mails = count
    const told = count !== this.heard
    const stuck = new Set<BulkheadQueue>()
    for (const queue of this.busy) {
      if (queue.hasFree && queue.length > 0) {
        if (queue.look()) this.suspects += told ? 0 : 1
        else if (this.stuck.has(queue)) queue.jump()
        else stuck.add(queue)
      }
      if (queue.length === 0) this.busy.delete(queue)
    }
    this.stuck = stuck
    this.sweeping = undefined
    if (this.busy.size > 0 || this.suspects > 0) this.arm()
  }
}
