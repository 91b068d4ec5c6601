import { BUCKETS } from '../../../core/metrics.ts'

const PLACES: ReadonlyMap<number | null, number> = new Map([
  ...BUCKETS.map((le, i) => [le, i] as const),
  [null, BUCKETS.length] as const,
])

/** One count for each of {@link BUCKETS} and one above the last, from those that are not empty; null: above all bounds. */
export function bucketCounts(buckets: Iterable<readonly [le: number | null, count: number]>): Float64Array {
  const counts = new Float64Array(BUCKETS.length + 1)
  for (const [le, count] of buckets) counts[PLACES.get(le) as number] = count
  return counts
}

/**
 * A quantile of durations in seconds; undefined: nothing was counted. Within a bucket values count as spread evenly, from 0
 * in the first: as in Prometheus' `histogram_quantile`. A value above the last bound counts as that bound.
 *
 * @param counts as {@link bucketCounts} returns them, not cumulative
 * @param q from 0 to 1
 */
export function bucketQuantile(counts: Float64Array, q: number): number | undefined {
  const total = counts.reduce((sum, inside) => sum + inside, 0)
  if (total === 0) return undefined
  const rank = q * total
  let below = 0
  for (const [i, le] of BUCKETS.entries()) {
    const inside = counts[i] as number
    const from = BUCKETS[i - 1] ?? 0
    if (inside > 0 && below + inside >= rank) return from + ((le - from) * (rank - below)) / inside
    below += inside
  }
  return BUCKETS.at(-1)
}
