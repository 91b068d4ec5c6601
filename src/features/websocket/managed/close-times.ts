import type { TunnelLeave } from '../../../core/tunnel.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Random } from '../../../lib/random.ts'
import { Timer, type TimerWheel } from '../../../lib/timers.ts'
import { CLOSING_MS, leavesIn } from '../wire/closing.ts'

const NEVER = Number.POSITIVE_INFINITY

interface Deps {
  readonly clock: Clock
  readonly random: Random
  readonly timers: TimerWheel
}

/**
 * When a session is to leave for a drain or a reload: at a moment that is drawn, so that clients do not come back all at once. And
 * how long its sides may take to answer a Close.
 */
export class CloseTimes {
  private readonly deps: Deps
  private readonly leaves: Timer
  private readonly closes: Timer
  private leavesFor: TunnelLeave = 'drain'
  // Clock milliseconds.
  private leavesAt = NEVER
  /** What is left then is cut, by others. */
  private goneAt = NEVER
  private endAt = 0

  constructor(deps: Deps, leave: (why: TunnelLeave) => void, unanswered: () => void) {
    this.deps = deps
    this.leaves = new Timer(() => leave(this.leavesFor))
    this.closes = new Timer(unanswered)
  }

  /** It is to leave. */
  within(why: TunnelLeave, ms: number): void {
    const { clock, random, timers } = this.deps
    const now = clock.now()
    this.goneAt = Math.min(this.goneAt, now + ms)
    const at = now + leavesIn(ms, random)
    if (at >= this.leavesAt) return
    this.leavesAt = at
    this.leavesFor = why
    timers.scheduleAt(this.leaves, at)
  }

  /**
   * Sides have from now on to answer. `full`: the Close stands behind a message that the client is slow to take: with a drain or a
   * reload it has all the time that there is. `half`: the upstream is to be asked, too, when the client has had its part.
   */
  wait(full: boolean, half: boolean): void {
    const { clock, timers } = this.deps
    const now = clock.now()
    this.endAt = CLOSING_MS + (full && this.goneAt !== NEVER ? Math.max(now, this.goneAt) : now)
    timers.scheduleAt(this.closes, half ? now + CLOSING_MS / 2 : this.endAt)
  }

  /** The upstream has been asked, and has the rest of it. */
  waitOn(): void {
    this.deps.timers.scheduleAt(this.closes, this.endAt)
  }

  stop(): void {
    for (const timer of [this.leaves, this.closes]) this.deps.timers.cancel(timer)
  }
}
