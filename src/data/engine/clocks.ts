import type { TimeLimits } from '../../core/plan.ts'
import type { Clock } from '../../lib/clock.ts'
import { Due, type TimerWheel } from '../../lib/timers.ts'
import type { RequestBody } from './replay.ts'

/** Which bound was passed. */
export type Expired = 'deadline' | 'total' | 'slow_client' | 'slow_upstream' | 'silent'

/** A request body: how much of it came, and for how long the upstream did not take it. */
export type Moving = Pick<RequestBody, 'takeProgress' | 'takeBlockedMs'>

/** Whose bounds they are. */
export interface ClocksOwner {
  onExpired(what: Expired): void
}

/** Milliseconds left for recovery and `respond` hooks when the deadline itself has passed. */
export const RECOVERY_MS = 1_000
const NEVER = Number.POSITIVE_INFINITY

/**
 * All bounds of one exchange on one timer, which is moved only when a bound comes nearer: a request that ends in time costs
 * one schedule and one cancel. Stages: waiting for the head (deadline), request body moving (minimum rate; the deadline
 * stands still), relaying (silence).
 */
export class Clocks extends Due {
  /** Clock milliseconds at which the head must be there. */
  deadline: number
  /** The deadline is the peer's, who allows less than the route does. */
  hurried = false
  private readonly clock: Clock
  private readonly timers: TimerWheel
  private readonly owner: ClocksOwner
  private total: number
  private minRate: TimeLimits['minRate']
  private timerAt = NEVER
  private body: Moving | undefined = undefined
  private movingSince = 0
  private moved = 0
  private windowEnd = NEVER
  private silence = NEVER
  private activeAt = 0

  constructor(owner: ClocksOwner, clock: Clock, timers: TimerWheel, startedAt: number, limits: TimeLimits) {
    super()
    this.owner = owner
    this.clock = clock
    this.timers = timers
    this.minRate = limits.minRate
    this.deadline = limits.request === undefined ? NEVER : startedAt + limits.request
    this.total = limits.total === undefined ? NEVER : startedAt + limits.total
    this.arm()
  }

  get bodyMoving(): boolean {
    return this.body !== undefined
  }

  /** Milliseconds in which the request body moved. */
  movedMs(): number {
    return this.body === undefined ? this.moved : this.moved + this.clock.now() - this.movingSince
  }

  /** A trusted peer may allow less: clock milliseconds until which it would, had no request body moved. */
  shorten(allowed: number): void {
    const deadline = allowed + this.movedMs()
    if (deadline >= this.deadline) return
    this.deadline = deadline
    this.hurried = true
    this.arm()
  }

  /** Another route goes on: its limits begin now, and none of those so far gets longer. */
  renew({ minRate, request, total }: TimeLimits): void {
    const now = this.clock.now()
    this.minRate = minRate
    if (request !== undefined) this.deadline = Math.min(this.deadline, now + request)
    if (total !== undefined) this.total = Math.min(this.total, now + total)
    this.arm()
  }

  /** At least `ms` are left from now; for what must still be done after a failure. */
  extend(ms: number): void {
    this.deadline = Math.max(this.deadline, this.clock.now() + ms)
    this.arm()
  }

  /** `body`: moves from now on; undefined: none does. */
  setMoving(body: Moving | undefined): void {
    if (this.body === body) return
    const now = this.clock.now()
    this.body = body
    if (body !== undefined) {
      this.movingSince = now
      this.openWindow(now, body)
    } else {
      this.moved += now - this.movingSince
      this.deadline += now - this.movingSince
    }
    this.arm()
  }

  /** The head is there: from now on at most `silence` milliseconds without a byte; undefined: any. */
  relaying(silence: number | undefined): void {
    this.deadline = NEVER
    this.silence = silence ?? NEVER
    this.activeAt = this.clock.now()
    this.arm()
  }

  /** A byte of the answer moved. */
  active(): void {
    if (this.silence !== NEVER) this.activeAt = this.clock.now()
  }

  stop(): void {
    this.timers.cancel(this)
  }

  private dueAt(): number {
    const stage = this.body === undefined ? this.deadline : this.windowEnd
    return Math.min(stage, this.total, this.silence === NEVER ? NEVER : this.activeAt + this.silence)
  }

  private arm(): void {
    const due = this.dueAt()
    if (due >= this.timerAt && this.scheduled) return
    if (due === NEVER) return
    this.timerAt = due
    this.timers.scheduleAt(this, due)
  }

  private openWindow(now: number, body: Moving): void {
    this.windowEnd = this.minRate === undefined ? NEVER : now + this.minRate.window
    body.takeProgress()
    body.takeBlockedMs()
  }

  fire(): void {
    const now = this.clock.now()
    this.timerAt = NEVER
    const { body } = this
    if (body === undefined && now >= this.deadline) this.owner.onExpired('deadline')
    else if (now >= this.total) this.owner.onExpired('total')
    else if (now >= this.activeAt + this.silence) this.owner.onExpired('silent')
    else if (body !== undefined && now >= this.windowEnd) this.judgeRate(now, body)
    else this.arm()
  }

  private judgeRate(now: number, body: Moving): void {
    const { bytes, window } = this.minRate as { bytes: number; window: number }
    const blockedMs = body.takeBlockedMs()
    if (body.takeProgress() < (bytes * window) / 1000) {
      // The side that it waited for most of the time: a slow client may still fill the buffers at the last moment.
      this.owner.onExpired(2 * blockedMs >= window ? 'slow_upstream' : 'slow_client')
      return
    }
    this.openWindow(now, body)
    this.arm()
  }
}
