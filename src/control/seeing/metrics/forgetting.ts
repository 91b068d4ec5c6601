import type { Clock, ClockHandle } from '../../../lib/clock.ts'

/** Scrapers must have seen the last values. */
const FORGET_MS = 300_000

/** Drops the metric series of endpoints some minutes after they left, unless they come back. */
export class Forgetting {
  private readonly clock: Clock
  private readonly forget: (id: string) => void
  private readonly due = new Map<string, ClockHandle>()

  constructor(clock: Clock, forget: (id: string) => void) {
    this.clock = clock
    this.forget = forget
  }

  left(id: string): void {
    this.back(id)
    const handle = this.clock.after(FORGET_MS, () => {
      this.due.delete(id)
      this.forget(id)
    })
    this.due.set(id, handle)
  }

  back(id: string): void {
    this.clock.cancel(this.due.get(id))
    this.due.delete(id)
  }

  close(): void {
    for (const handle of this.due.values()) this.clock.cancel(handle)
    this.due.clear()
  }
}
