import type { Clock, ClockHandle } from './clock.ts'

interface Pending {
  readonly at: number
  readonly order: number
  readonly fn: () => void
}

/**
 * A clock that stands still until it is told to advance. Timers fire in order of time, then of creation. It keeps no process
 * alive.
 */
export class VirtualClock implements Clock {
  private time: number
  private readonly wallOrigin: number
  private readonly pending = new Set<Pending>()
  private order = 0

  /**
   * @param start milliseconds that `now` returns first
   * @param wallOrigin milliseconds since the Unix epoch at which `now` would have been 0
   */
  constructor(start = 1000, wallOrigin: number = Date.UTC(2026, 0, 1)) {
    this.time = start
    this.wallOrigin = wallOrigin
  }

  now(): number {
    return this.time
  }

  wall(): number {
    return this.wallOrigin + this.time
  }

  after(ms: number, fn: () => void): ClockHandle {
    const timer = { at: this.time + ms, order: this.order++, fn }
    this.pending.add(timer)
    return timer
  }

  cancel(handle: ClockHandle): void {
    this.pending.delete(handle as Pending)
  }

  /** Timers that were neither fired nor cancelled. */
  get timers(): number {
    return this.pending.size
  }

  /** Moves time by `ms`, firing what becomes due on the way, timers made meanwhile included. */
  advance(ms: number): void {
    const until = this.time + ms
    for (;;) {
      const next = this.earliest()
      if (next === undefined || next.at > until) break
      this.pending.delete(next)
      this.time = Math.max(this.time, next.at)
      next.fn()
    }
    this.time = until
  }

  private earliest(): Pending | undefined {
    let first: Pending | undefined
    for (const timer of this.pending) {
      if (first === undefined || timer.at < first.at || (timer.at === first.at && timer.order < first.order)) {
        first = timer
      }
    }
    return first
  }
}
