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
    if (this.awaits !== Awaits.head) this.await(Awaits.head, ms)
  }

  /** Nothing is under way. */
  awaitRequest(ms: number): void {
    if (this.awaits === Awaits.nothing) this.await(Awaits.request, ms)
  }

  /** A request is being read or answered. */
  rest(): void {
    this.awaits = Awaits.nothing
  }

  stop(): void {
    this.awaits = Awaits.nothing
    this.timers.cancel(this.timer)
  }

  private await(awaits: Awaited, ms: number): void {
    this.awaits = awaits
    this.due = this.clock.now() + ms
    if (!this.timer.scheduled || this.due < this.armed) this.schedule(ms)
  }

  private schedule(ms: number): void {
    this.armed = this.due
    this.timers.schedule(this.timer, ms)
  }

  private onTimer(): void {
    const { awaits, due } = this
    if (awaits === Awaits.nothing) return
    const left = due - this.clock.now()
    if (left > 0) this.schedule(left)
    else this.late(awaits)
  }
}
