const STEPS = 8
const BUCKETS = 22 * STEPS
/** Tenths of a millisecond, so that the first bucket is below what matters. */
const SCALE = 10
const HALF_MS = 10_000
/** Lower edges of the buckets, milliseconds. */
const EDGES: readonly number[] = Array.from({ length: BUCKETS }, (_, bucket) => 2 ** (bucket / STEPS) / SCALE)
const UNKNOWN = -1
const REFRESH = 64

/** Fewer samples prove nothing. */
export const ENOUGH_SAMPLES = 100

/**
 * How long something took recently: samples of the latest 10 to 20 s, in buckets that grow by 9 %. The figure returned is
 * the lower edge of a bucket: never more than was measured.
 *
 * There is one per route and endpoint, and most are seldom looked at: whole numbers only and one array for both halves,
 * since each fraction and each array would be one more place in memory.
 */
export class Latencies {
  /** The two halves, in turn the recent one. */
  private samples: Uint32Array | undefined = undefined
  private recent = 0
  private recentCount = 0
  private olderCount = 0
  private since = 0
  private fresh = 0
  private middle = UNKNOWN

  record(ms: number, now: number): void {
    this.turn(now)
    this.samples ??= new Uint32Array(2 * BUCKETS)
    const bucket = Math.min(BUCKETS - 1, Math.floor(Math.log2(Math.max(1, ms * SCALE)) * STEPS))
    const at = this.recent + bucket
    this.samples[at] = (this.samples[at] as number) + 1
    this.recentCount++
    if (--this.fresh > 0) return
    this.fresh = REFRESH
    this.middle = this.bucketOf(0.5)
  }

  /** It was given up after `ms`: that counts only where others were quicker. */
  atLeast(ms: number, now: number): void {
    if (ms > this.median(now)) this.record(ms, now)
  }

  /** Milliseconds, at most 64 samples old; 0: unknown. */
  median(now: number): number {
    this.turn(now)
    return EDGES[this.middle] ?? 0
  }

  /** Milliseconds; undefined: fewer than {@link ENOUGH_SAMPLES}. */
  quantile(q: number, now: number): number | undefined {
    this.turn(now)
    return EDGES[this.bucketOf(q)]
  }

  private bucketOf(q: number): number {
    const { samples } = this
    const count = this.recentCount + this.olderCount
    if (count < ENOUGH_SAMPLES || samples === undefined) return UNKNOWN
    let left = q * count
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= (samples[bucket] as number) + (samples[BUCKETS + bucket] as number)
      if (left <= 0) return bucket
    }
    return UNKNOWN
  }

  private turn(now: number): void {
    const age = now - this.since
    if (age < HALF_MS) return
    this.recent = BUCKETS - this.recent
    this.samples?.fill(0, this.recent, this.recent + BUCKETS)
    this.olderCount = this.recentCount
    this.recentCount = 0
    this.since = Math.floor(now)
    this.middle = UNKNOWN
    this.fresh = 1
    if (age < 2 * HALF_MS) {
      this.middle = this.bucketOf(0.5)
      return
    }
    this.samples?.fill(0)
    this.olderCount = 0
  }
}
