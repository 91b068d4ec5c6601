import { readLimit } from './adaptive-limit.ts'
import type { GradientOptions } from './gradient.ts'
import type { BulkheadOptions } from './keys.ts'

/** How many permits there are now. `words`: of its cells, undefined where the limit does not change. */
export function limitOf(options: BulkheadOptions, words: Int32Array | undefined, at: number): number {
  const { adaptive, maxConcurrent } = options
  if (adaptive === undefined || words === undefined) return maxConcurrent
  return readLimit(words, at, boundsOf(options, adaptive))
}

/** A limit that changes stays within these. */
export function boundsOf(
  { maxConcurrent }: BulkheadOptions,
  { min, max, initial }: NonNullable<BulkheadOptions['adaptive']>,
): GradientOptions {
  const most = Math.min(max, maxConcurrent)
  return { min: Math.min(min, most), max: most, initial: Math.min(initial, most) }
}
