const FIRST_MS = 100
const CAP_MS = 30_000
/** A worker that lived this long starts from the first delay again. */
const LONG_LIFE_MS = 60_000
const WINDOW_MS = 60_000
const TOO_MANY = 5

/** How long one worker number waits before it is started again: doubling from 0.1 to 30 s. */
export class RestartDelay {
  private delay = FIRST_MS

  /** Milliseconds to wait after a worker that lived `livedMs`. */
  next(livedMs: number): number {
    if (livedMs >= LONG_LIFE_MS) this.delay = FIRST_MS
    const delay = this.delay
    this.delay = Math.min(delay * 2, CAP_MS)
    return delay
  }
}

/** Replacements that ended before they served. Five within a minute: this process cannot recover by itself. */
export class FailedReplacements {
  private readonly times: number[] = []

  note(now: number): void {
    this.times.push(now)
    if (this.times.length > TOO_MANY) this.times.shift()
  }

  tooMany(now: number): boolean {
    return this.times.length === TOO_MANY && now - (this.times[0] as number) <= WINDOW_MS
  }
}
