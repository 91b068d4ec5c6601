import type { HeldCell } from '../../src/cells/held.ts'
import type { Exchange } from '../../src/core/exchange.ts'
import type { BulkheadQueue, QueueOptions, Waiting } from '../../src/features/bulkhead/queue.ts'
import { BOARD_SLOTS } from '../../src/features/bulkhead/queue-board.ts'
import { BulkheadQueues } from '../../src/features/bulkhead/queues.ts'
import { TimerWheel } from '../../src/lib/timers.ts'
import { TestCells } from './cells.ts'
import { ManualClock } from './clock.ts'
import { exchange } from './exchange.ts'
import { CountedMetrics } from './feature.ts'
import { TestMail } from './mail.ts'

/** A request of the simulation. */
export interface Call {
  readonly name: string
  readonly worker: number
  readonly ex: Exchange
  place: Waiting | undefined
  outcome: 'running' | 'waiting' | 'full' | 'ended' | string
}

/** One route's queue in several workers, in one thread and virtual time; mails arrive when the test says so. */
export class QueueSim {
  readonly clock = new ManualClock()
  readonly mails: TestMail[] = []
  readonly queues: BulkheadQueue[]
  readonly permits: HeldCell[]
  /** Names in the order in which they got a permit. */
  readonly order: string[] = []
  private readonly metrics = new CountedMetrics()
  limit: number
  options: QueueOptions
  private readonly calls: Call[] = []
  private readonly clear: (worker: number) => void

  constructor(workers: number, limit: number, options: Partial<QueueOptions> = {}) {
    const cells = new TestCells(workers)
    const inFlight = cells.held()
    const queue = {
      waiting: cells.held(),
      board: cells.heldBlock(BOARD_SLOTS),
      emptyAt: cells.word(),
      excess: cells.word(),
    }
    const { clock, mails, metrics } = this
    this.clear = (worker) => cells.clearColumn(worker)
    this.limit = limit
    this.options = { size: 100, maxWait: 500, newestFirstAfter: undefined, ...options }
    this.permits = cells.spaces.map((space) => space.held(inFlight))
    this.queues = cells.spaces.map((space) => {
      const mail = new TestMail(mails)
      mails.push(mail)
      const timers = new TimerWheel(clock)
      return new BulkheadQueues({ space, clock, timers, mail, metrics, note: () => {} }).of('r', inFlight, queue)
    })
  }

  /** Wake-ups that the sweep found lost. */
  get lost(): number {
    return this.metrics.counts.get('sluice_bulkhead_lost_wakeups_total') ?? 0
  }

  get held(): number {
    return this.permits[0]?.sum() as number
  }

  get waiting(): string[] {
    return this.calls.filter(({ outcome }) => outcome === 'waiting').map(({ name }) => name)
  }

  /** As the policy does it. */
  call(name: string, worker = 0, importance = 2, key = ''): Call {
    const call: Call = { name, worker, ex: exchange(), place: undefined, outcome: 'running' }
    const queue = this.queues[worker] as BulkheadQueue
    this.calls.push(call)
    if (queue.empty && this.permits[worker]?.takeBelow(this.limit)) return this.runs(call)
    const place = queue.enter(call.ex, importance, key, { current: this.limit }, this.options)
    call.place = place
    if (place === undefined) call.outcome = 'full'
    else if (place.state === 'granted') this.runs(call)
    else {
      call.outcome = 'waiting'
      place.resolve = (verdict) => {
        if (verdict === undefined) this.runs(call)
        else call.outcome = verdict.reason
      }
    }
    return call
  }

  end(call: Call): void {
    call.outcome = 'ended'
    this.permits[call.worker]?.give()
    this.queues[call.worker]?.released({ current: this.limit })
  }

  leave(call: Call): void {
    call.outcome = 'left'
    if (call.place !== undefined) this.queues[call.worker]?.leave(call.place)
  }

  /** What the control plane does when the thread of a worker has ended. */
  clearWorker(worker: number): void {
    this.clear(worker)
    for (const call of this.calls) if (call.worker === worker) call.outcome = 'gone'
    for (const mail of this.mails) mail.count++
  }

  /** Delivers mails until there are none. */
  deliver(): void {
    while (this.mails.some(({ unread }) => unread)) for (const mail of this.mails) mail.deliver()
  }

  private runs(call: Call): Call {
    call.outcome = 'running'
    this.order.push(call.name)
    return call
  }
}
