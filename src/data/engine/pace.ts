/**
 * Milliseconds that a client must have delayed the exchange, moving less than the minimum rate, before it counts as
 * stalled.
 */
export const STALL_MS = 5_000

/** Longest time for which a reader's credit for one large piece counts, milliseconds. */
const CREDIT_MS = 30_000

/** What a client had moved at one look. */
interface Mark {
  readonly at: number
  readonly bytes: number
}

/**
 * How fast the client of one exchange moves, as seen by the looks of the latest {@link STALL_MS}. It lasts as long as each
 * look finds that the exchange waits for its client. The system reports what readers take in large pieces only (a third of
 * a socket's buffer, over loopback more than a megabyte): a piece that comes after a look without any counts as taken at
 * the minimum rate from then on.
 */
export class Pace {
  /** Bytes per second at the latest look; Infinity: not watched for long enough, or paid in advance. */
  rate = Number.POSITIVE_INFINITY
  /** Since when no byte moved, as far as looks saw. */
  stillSince: number
  private readonly minRate: number
  private taken: number
  private paidUntil = 0
  /** Oldest first; the first one is the youngest that is old enough, if there is one. */
  private readonly marks: Mark[] = []

  /** `minRate`: bytes per second; `taken`: bytes of the answer taken so far. */
  constructor(now: number, minRate: number, taken: number) {
    this.stillSince = now
    this.minRate = minRate
    this.taken = taken
  }

  /** `bytes`: moved so far; `taken`: those of the answer among them. */
  look(now: number, bytes: number, taken: number): void {
    const { marks, minRate } = this
    const last = marks[marks.length - 1]
    if (taken > this.taken && last !== undefined && last.at > this.stillSince)
      this.paidUntil = now + Math.min(CREDIT_MS, ((taken - this.taken) * 1000) / minRate)
    this.taken = taken
    if (last === undefined || last.bytes !== bytes) this.stillSince = now
    marks.push({ at: now, bytes })
    while (marks.length > 1 && now - (marks[1] as Mark).at >= STALL_MS) marks.shift()
    this.rate = this.rateAt(now, bytes)
  }

  /** Bytes per second up to now. */
  rateAt(now: number, bytes: number): number {
    const first = this.marks[0] as Mark
    const ms = now - first.at
    return ms < STALL_MS || now < this.paidUntil ? Number.POSITIVE_INFINITY : ((bytes - first.bytes) * 1000) / ms
  }
}
