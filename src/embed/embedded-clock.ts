import { type Clock, type ClockHandle, systemClock } from '../lib/clock.ts'

/** Which clock a call waits on; the number tells it from others in the set. */
interface Waiting {
  readonly clock: Clock
  handle: ClockHandle
}

/**
 * The clock that a program gave to its gateway. What is due at once needs the machine's clock, and so does closing: a clock
 * that stands still would let neither end. When all is closed, nothing waits any more.
 */
export class EmbeddedClock implements Clock {
  private readonly given: Clock
  private readonly waiting = new Set<Waiting>()
  private closing = false
  private closed = false

  constructor(given: Clock) {
    this.given = given
  }

  now(): number {
    return this.given.now()
  }

  wall(): number {
    return this.given.wall()
  }

  after(ms: number, fn: () => void): ClockHandle {
    const clock = ms <= 0 || this.closing ? systemClock : this.given
    const waiting: Waiting = { clock, handle: undefined }
    if (this.closed) return waiting
    this.waiting.add(waiting)
    waiting.handle = clock.after(ms, () => {
      this.waiting.delete(waiting)
      fn()
    })
    return waiting
  }

  cancel(handle: ClockHandle): void {
    const waiting = handle as Waiting | undefined
    if (waiting === undefined || !this.waiting.delete(waiting)) return
    waiting.clock.cancel(waiting.handle)
  }

  /** From now on waits take real time. */
  beginClosing(): void {
    this.closing = true
  }

  /** Nothing is called any more. */
  close(): void {
    this.closed = true
    for (const waiting of this.waiting) this.cancel(waiting)
  }
}
