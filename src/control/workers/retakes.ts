import type { Clock, ClockHandle } from '../../lib/clock.ts'
import { RestartDelay } from '../../lib/restart-delay.ts'

/** What no worker could take over: it is attempted again after a while, which grows from 0.1 to 30 s. By ID. */
export class Retakes {
  private readonly clock: Clock
  private readonly due: () => void
  private readonly delays = new Map<string, RestartDelay>()
  private readonly waiting = new Map<string, ClockHandle>()

  /** `due`: one of them may be attempted again. */
  constructor(clock: Clock, due: () => void) {
    this.clock = clock
    this.due = due
  }

  /** It is not to be attempted yet. */
  isWaiting(id: string): boolean {
    return this.waiting.has(id)
  }

  /** An attempt has failed. Returns the milliseconds until the next one. */
  postpone(id: string): number {
    const wait = this.delays.getOrInsertComputed(id, () => new RestartDelay()).next(0)
    const timer = this.clock.after(wait, () => {
      this.waiting.delete(id)
      this.due()
    })
    this.waiting.set(id, timer)
    return wait
  }

  /** It was taken over, or is not wanted any more. */
  forget(id: string): void {
    this.clock.cancel(this.waiting.get(id))
    this.waiting.delete(id)
    this.delays.delete(id)
  }

  close(): void {
    for (const id of [...this.delays.keys()]) this.forget(id)
  }
}
