const WINDOW_MS = 60_000
const TOO_MANY = 5

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
