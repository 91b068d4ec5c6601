import type { Clock } from '../../../lib/clock.ts'
import { Due, type TimerWheel } from '../../../lib/timers.ts'

/** What a client has to send in time. */
export const Awaits = { nothing: 0, head: 1, request: 2 } as const
export type Awaited = (typeof Awaits)[keyof typeof Awaits]

/** An idle connection is kept so much longer than the client was told, so that a request under way is not lost. */
const KEEP_ALIVE_MARGIN_MS = 1_000

/** What a client has not sent in time is told to. */
export interface Awaiter {
  onLate(awaits: Awaited): void
}

export interface PatienceHost {
  readonly clock: Clock
  readonly timers: TimerWheel
}

/** How long a client is waited for. It is seldom moved: it looks when it fires whether there is anything to wait for. */
export class Patience extends Due {
  private readonly host: PatienceHost
  private readonly awaiter: Awaiter
  private awaits: Awaited = Awaits.nothing
  /** Clock milliseconds: when it is over, and when the timer fires. */
  private due = 0
  private armed = 0

  /** The first head is waited for, until `due`. */
  constructor(host: PatienceHost, awaiter: Awaiter, due: number) {
    super()
    this.host = host
    this.awaiter = awaiter
    this.await(Awaits.head, due)
  }

  /** A head has begun: its time runs once. */
  awaitHead(ms: number): void {
    if (this.awaits !== Awaits.head) this.await(Awaits.head, this.host.clock.now() + ms)
  }

  /** Nothing is under way. */
  awaitRequest(keepAlive: number): void {
    if (this.awaits !== Awaits.nothing) return
    const ms = keepAlive + KEEP_ALIVE_MARGIN_MS
    // Once per request: a clock that is some milliseconds late will do, but it goes only while something is scheduled.
    this.await(Awaits.request, (this.scheduled ? this.host.timers.coarseNow : this.host.clock.now()) + ms)
  }

  /** A request is being read or answered. */
  rest(): void {
    this.awaits = Awaits.nothing
  }

  stop(): void {
    this.awaits = Awaits.nothing
    this.host.timers.cancel(this)
  }

  private await(awaits: Awaited, due: number): void {
    this.awaits = awaits
    this.due = due
    if (!this.scheduled || this.due < this.armed) this.schedule()
  }

  private schedule(): void {
    this.armed = this.due
    this.host.timers.scheduleAt(this, this.due)
  }

  fire(): void {
    const { awaits, due } = this
    if (awaits === Awaits.nothing) return
    if (this.host.clock.now() < due) this.schedule()
    else this.awaiter.onLate(awaits)
  }
}
