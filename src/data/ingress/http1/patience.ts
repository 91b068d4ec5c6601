import type { Clock } from '../../../lib/clock.ts'
import { Timer, type TimerWheel } from '../../../lib/timers.ts'

/** What a client has to send in time. */
export const Awaits = { nothing: 0, head: 1, request: 2 } as const
export type Awaited = (typeof Awaits)[keyof typeof Awaits]

/** How long a client is waited for. Its timer is seldom moved: it looks when it fires whether there is anything to wait for. */
export class Patience {
  private readonly clock: Clock
  private readonly timers: TimerWheel
  private readonly timer: Timer
  private readonly late: (awaits: Awaited) => void
  private awaits: Awaited = Awaits.nothing
  /** Clock milliseconds: when it is over, and when the timer fires. */
  private due = 0
  private armed = 0

  constructor(
    { clock, timers }: { readonly clock: Clock; readonly timers: TimerWheel },
    late: (awaits: Awaited) => void,
  ) {
    this.clock = clock
    this.timers = timers
    this.late = late
    this.timer = new Timer(() => this.onTimer())
  }

  /** A head has begun, or the first one is waited for: its time runs once. */
  awaitHead(ms: number): void {
    if (this.awaits !== Awaits.head) this.await(Awaits.head, this.clock.now(), ms)
  }

  /** Nothing is under way. */
  awaitRequest(ms: number): void {
    if (this.awaits !== Awaits.nothing) return
    // Once per request: a clock that is some milliseconds late will do, but it goes only while something is scheduled.
    this.await(Awaits.request, this.timer.scheduled ? this.timers.coarseNow : this.clock.now(), ms)
  }

  /** A request is being read or answered. */
  rest(): void {
    this.awaits = Awaits.nothing
  }

  stop(): void {
    this.awaits = Awaits.nothing
    this.timers.cancel(this.timer)
  }

  private await(awaits: Awaited, now: number, ms: number): void {
    this.awaits = awaits
    this.due = now + ms
    if (!this.timer.scheduled || this.due < this.armed) this.schedule()
  }

  private schedule(): void {
    this.armed = this.due
    this.timers.scheduleAt(this.timer, this.due)
  }

  private onTimer(): void {
    const { awaits, due } = this
    if (awaits === Awaits.nothing) return
    if (this.clock.now() < due) this.schedule()
    else this.late(awaits)
  }
}
