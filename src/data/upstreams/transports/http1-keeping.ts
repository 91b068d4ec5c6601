import type { LinkOptions } from '../../../core/transport.ts'
import type { Clock } from '../../../lib/clock.ts'
import { type LifeLimit, Lifetime, type Spread } from '../../../lib/lifetime.ts'
import { Timer, type TimerWheel } from '../../../lib/timers.ts'

interface KeepingParts {
  readonly clock: Clock
  readonly timers: TimerWheel
  /** Of all connections of the transport. */
  readonly spread: Spread
}

/** How long a connection is kept for further requests: by its idle time, its age and the number of its requests. */
export class Keeping {
  /** The limit of its life that ended it. */
  retired: LifeLimit | undefined = undefined
  private readonly parts: KeepingParts
  private readonly options: LinkOptions
  private readonly close: () => void
  private readonly timer: Timer
  private life: Lifetime | undefined = undefined
  private isIdle = false
  /** Clock milliseconds: when it has been idle for long enough, and when the timer fires. */
  private idleUntil = 0
  private armed = 0

  /** `close`: of an idle connection. */
  constructor(parts: KeepingParts, options: LinkOptions, close: () => void) {
    this.parts = parts
    this.options = options
    this.close = close
    this.timer = new Timer(() => this.look())
  }

  /** The connection is there. */
  opened(): void {
    const { clock, spread } = this.parts
    this.life = new Lifetime(this.options, spread.next(), clock.now())
  }

  /** An answer is whole; an idle connection is kept for `keepAliveMs` at most. False: no request may follow. */
  answered(keepAliveMs: number): boolean {
    const now = this.parts.clock.now()
    const life = this.life as Lifetime
    life.left--
    this.retired = life.reached(now)
    this.idleUntil = Math.min(now + keepAliveMs, life.endsAt)
    return this.retired === undefined && keepAliveMs > 0
  }

  /** An attempt begins. */
  used(): void {
    this.isIdle = false
  }

  /** None is under way. The timer stays armed while attempts run, so that most of them do not touch the wheel; only a shorter time has to move it. */
  idle(): void {
    this.isIdle = true
    if (!this.timer.scheduled || this.idleUntil < this.armed) this.look()
  }

  stop(): void {
    this.parts.timers.cancel(this.timer)
  }

  private look(): void {
    const now = this.parts.clock.now()
    if (now < this.idleUntil) {
      this.armed = this.idleUntil
      this.parts.timers.scheduleAt(this.timer, this.idleUntil)
    } else if (this.isIdle) {
      this.retired = this.life?.reached(now)
      this.close()
    }
  }
}
