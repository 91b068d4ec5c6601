import type { Clock } from '../../../lib/clock.ts'
import { Due, type TimerWheel } from '../../../lib/timers.ts'

/** Waits for silence: one timer, which is moved only when it fires. */
export class Idle extends Due {
  private readonly ms: number | undefined
  private readonly clock: Clock
  private readonly timers: TimerWheel
  private readonly silent: () => void
  private movedAt = 0

  /** @param ms undefined: it waits for nothing */
  constructor(ms: number | undefined, clock: Clock, timers: TimerWheel, silent: () => void) {
    super()
    this.ms = ms
    this.clock = clock
    this.timers = timers
    this.silent = silent
  }

  start(): void {
    this.moved()
    if (this.ms !== undefined) this.timers.schedule(this, this.ms)
  }

  moved(): void {
    this.movedAt = this.clock.now()
  }

  fire(): void {
    const left = this.movedAt + (this.ms as number) - this.clock.now()
    if (left > 0) this.timers.schedule(this, left)
    else this.silent()
  }
}
