import type { Clock, ClockHandle } from './clock.ts'

const RUNNING = -1

/**
 * A clock that stands still while an event of the loop is handled, as those of nginx and libuv do: a request asks for the time
 * more than ten times, and each answer costs as much as a look-up of its route.
 */
export class EventClock implements Clock {
  /** Does not stand still: for who measures how long the handling of an event takes, or waits in it. */
  readonly passing: Clock
  private instant = RUNNING
  /** Read when it is first asked for. */
  private wallInstant = RUNNING

  constructor(passing: Clock) {
    this.passing = passing
  }

  /** Time stands still until `end`, which must follow. False: it does already, and is let go by who stopped it. */
  begin(): boolean {
    if (this.instant !== RUNNING) return false
    this.instant = this.passing.now()
    return true
  }

  end(): void {
    this.instant = RUNNING
    this.wallInstant = RUNNING
  }

  now(): number {
    return this.instant === RUNNING ? this.passing.now() : this.instant
  }

  /** Time moves on to what it is by now: what begins here does not pay for what took long before it in this event. */
  renew(): number {
    const now = this.passing.now()
    if (this.instant !== RUNNING) {
      this.instant = now
      this.wallInstant = RUNNING
    }
    return now
  }

  wall(): number {
    if (this.instant === RUNNING) return this.passing.wall()
    if (this.wallInstant === RUNNING) this.wallInstant = this.passing.wall()
    return this.wallInstant
  }

  after(ms: number, fn: () => void): ClockHandle {
    return this.passing.after(ms, fn)
  }

  cancel(handle: ClockHandle): void {
    this.passing.cancel(handle)
  }
}
