import type { Clock, ClockHandle } from './clock.ts'

/** What the wheel fires. */
export abstract class Due {
  /** @internal Links and slot of the wheel; -1: not scheduled. */
  next: Due | undefined = undefined
  previous: Due | undefined = undefined
  slot = -1
  /** @internal Tick at which it fires. */
  tick = 0

  abstract fire(): void

  get scheduled(): boolean {
    return this.slot !== -1
  }
}

/** A deadline of the wheel; reusable. Owners hold it as a field and cancel it when they end. */
export class Timer extends Due {
  private readonly due: () => void

  constructor(due: () => void) {
    super()
    this.due = due
  }

  fire(): void {
    this.due()
  }
}

const TICK_MS = 5
const SLOTS = 4096

/**
 * A coarse timer wheel: scheduling and cancelling cost a few list links, one clock timer serves all. A timer never fires
 * early and at most two ticks (10 ms) late, unless the thread is blocked. Timers beyond the wheel's span (20 s) go round
 * again. Hashed wheel of Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (1987), scheme 6.
 */
export class TimerWheel {
  private readonly clock: Clock
  private readonly slots: (Due | undefined)[] = new Array(SLOTS).fill(undefined)
  private count = 0
  private current: number
  private handle: ClockHandle = undefined

  constructor(clock: Clock) {
    this.clock = clock
    this.current = this.tickOf(clock.now())
  }

  /**
   * Clock milliseconds of the latest tick, at no cost: accurate to about 10 ms while something is scheduled; stands still
   * while nothing is.
   */
  get coarseNow(): number {
    return this.current * TICK_MS
  }

  /** Schedules, or moves, `timer` to fire `ms` from now. */
  schedule(timer: Due, ms: number): void {
    this.scheduleAt(timer, this.clock.now() + ms)
  }

  /** Schedules, or moves, `timer` to fire at `due`, clock milliseconds. */
  scheduleAt(timer: Due, due: number): void {
    this.cancel(timer)
    if (this.count === 0) this.current = this.tickOf(this.clock.now())
    timer.tick = Math.max(Math.ceil(due / TICK_MS), this.current + 1)
    const slot = timer.tick % SLOTS
    const head = this.slots[slot]
    timer.slot = slot
    timer.next = head
    if (head !== undefined) head.previous = timer
    this.slots[slot] = timer
    this.count++
    if (this.handle === undefined) this.arm()
  }

  cancel(timer: Due): void {
    if (timer.slot === -1) return
    if (timer.previous === undefined) this.slots[timer.slot] = timer.next
    else timer.previous.next = timer.next
    if (timer.next !== undefined) timer.next.previous = timer.previous
    timer.next = undefined
    timer.previous = undefined
    timer.slot = -1
    this.count--
  }

  /** Drops everything that is scheduled. */
  close(): void {
    if (this.handle !== undefined) this.clock.cancel(this.handle)
    this.handle = undefined
    this.slots.fill(undefined)
    this.count = 0
  }

  private tickOf(now: number): number {
    return Math.floor(now / TICK_MS)
  }

  private arm(): void {
    this.handle = this.clock.after(TICK_MS, () => {
      this.handle = undefined
      this.advance()
      if (this.count > 0 && this.handle === undefined) this.arm()
    })
  }

  private advance(): void {
    const until = this.tickOf(this.clock.now())
    // After a long stall one round visits every slot: due timers are found by their ticks.
    const from = Math.max(this.current + 1, until - SLOTS + 1)
    this.current = until
    for (let tick = from; tick <= until && this.count > 0; tick++) this.fireSlot(tick % SLOTS, until)
  }

  private fireSlot(slot: number, until: number): void {
    // Restarted from the head after each call: a callback may cancel or schedule any timer.
    let timer = this.slots[slot]
    while (timer !== undefined) {
      if (timer.tick > until) {
        timer = timer.next
        continue
      }
      this.cancel(timer)
      timer.fire()
      timer = this.slots[slot]
    }
  }
}
