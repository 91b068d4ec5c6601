/** So long a client must have been waited for, and moved less than the minimum rate, before it counts as stalled. */
export const STALL_MS = 5_000

/** What a client had moved at one look. */
interface Mark {
  readonly at: number
  readonly bytes: number
}

/**
 * How the client of one exchange moves, as the looks of the latest {@link STALL_MS} saw it. It lasts as long as each look finds that
 * the exchange waits for its client.
 */
export class Pace {
  /** Bytes a second at the latest look; Infinity: not watched for long enough. */
  rate = Number.POSITIVE_INFINITY
  /** Since when no byte moved, as far as looks saw. */
  stillSince: number
  /** Oldest first; the first one is the youngest that is old enough, once there is one. */
  private readonly marks: Mark[] = []

  constructor(now: number) {
    this.stillSince = now
  }

  look(now: number, bytes: number): void {
    const { marks } = this
    const last = marks[marks.length - 1]
    if (last === undefined || last.bytes !== bytes) this.stillSince = now
    marks.push({ at: now, bytes })
    while (marks.length > 1 && now - (marks[1] as Mark).at >= STALL_MS) marks.shift()
    this.rate = this.rateAt(now, bytes)
  }

  /** Bytes a second up to now. */
  rateAt(now: number, bytes: number): number {
    const first = this.marks[0] as Mark
    const ms = now - first.at
    return ms < STALL_MS ? Number.POSITIVE_INFINITY : ((bytes - first.bytes) * 1000) / ms
  }
}
