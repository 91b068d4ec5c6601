import type { Clock, ClockHandle } from './clock.ts'

const RUNNING = -1

/**
 * A clock that stands still while an event of the loop is handled, as those of nginx and libuv do: a request asks for the time
 * more than ten times, and each answer costs as much as a look-up of its route.
 */
export class EventClock implements Clock {
  private readonly clock: Clock
  private instant = RUNNING
  /** Read when it is first asked for. */
  private wallInstant = RUNNING

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Time stands still until `end`, which must follow. False: it does already, and is let go by who stopped it. */
  begin(): boolean {
    if (this.instant !== RUNNING) return false
    this.instant = this.clock.now()
    return true
  }

  end(): void {
    this.instant = RUNNING
    this.wallInstant = RUNNING
  }

  now(): number {
    return this.instant === RUNNING ? this.clock.now() : this.instant
  }

  /** The time that does not stand still: for who measures how long the handling of an event takes. */
  passing(): number {
    return this.clock.now()
  }

  wall(): number {
    if (this.instant === RUNNING) return this.clock.wall()
    if (this.wallInstant === RUNNING) this.wallInstant = this.clock.wall()
    return this.wallInstant
  }

  after(ms: number, fn: () => void): ClockHandle {
    return this.clock.after(ms, fn)
  }

  cancel(handle: ClockHandle): void {
    this.clock.cancel(handle)
  }
}
