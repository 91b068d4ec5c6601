const STEPS = 8
const BUCKETS = 22 * STEPS
/** Tenths of a millisecond, so that the first bucket is below what matters. */
const SCALE = 10
const HALF_MS = 10_000
const REFRESH = 64

/** Fewer samples say nothing. */
export const ENOUGH_SAMPLES = 100

/**
 * How long something took lately: samples of the latest 10 to 20 s, in buckets that grow by 9 %. What is told is the lower
 * edge of a bucket: never more than what was measured.
 */
export class Latencies {
  private recent: Uint32Array | undefined = undefined
  private older: Uint32Array | undefined = undefined
  private recentCount = 0
  private olderCount = 0
  private since = 0
  private fresh = 0
  private middle = 0

  record(ms: number, now: number): void {
    this.turn(now)
    this.recent ??= new Uint32Array(BUCKETS)
    const bucket = Math.min(BUCKETS - 1, Math.floor(Math.log2(Math.max(1, ms * SCALE)) * STEPS))
    this.recent[bucket] = (this.recent[bucket] as number) + 1
    this.recentCount++
    if (--this.fresh > 0) return
    this.fresh = REFRESH
    this.middle = this.quantile(0.5, now) ?? 0
  }

  /** Milliseconds, at most 64 samples old; 0: not known. */
  median(now: number): number {
    this.turn(now)
    return this.middle
  }

  /** Milliseconds; undefined: fewer than {@link ENOUGH_SAMPLES}. */
  quantile(q: number, now: number): number | undefined {
    this.turn(now)
    const count = this.recentCount + this.olderCount
    if (count < ENOUGH_SAMPLES) return undefined
    let left = q * count
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= (this.recent?.[bucket] ?? 0) + (this.older?.[bucket] ?? 0)
      if (left <= 0) return 2 ** (bucket / STEPS) / SCALE
    }
    return undefined
  }

  private turn(now: number): void {
    const age = now - this.since
    if (age < HALF_MS) return
    const spare = this.older
    spare?.fill(0)
    this.older = this.recent
    this.olderCount = this.recentCount
    this.recent = spare
    this.recentCount = 0
    this.since = now
    this.middle = 0
    this.fresh = 1
    if (age < 2 * HALF_MS) {
      this.middle = this.quantile(0.5, now) ?? 0
      return
    }
    this.older?.fill(0)
    this.olderCount = 0
  }
}
