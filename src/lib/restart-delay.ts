const FIRST_MS = 100
const CAP_MS = 30_000
/** A thread that lived this long starts from the first delay again. */
const LONG_LIFE_MS = 60_000

/** How long a thread waits before it is started again: doubling from 0.1 to 30 s. */
export class RestartDelay {
  private delay = FIRST_MS

  /** Milliseconds to wait after one that lived `livedMs`. */
  next(livedMs: number): number {
    if (livedMs >= LONG_LIFE_MS) this.delay = FIRST_MS
    const delay = this.delay
    this.delay = Math.min(delay * 2, CAP_MS)
    return delay
  }
}
