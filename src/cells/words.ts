/** Clock milliseconds in 32 bits; only differences have a meaning. */
export function toWord(ms: number): number {
  return Math.round(ms) | 0
}

/** Milliseconds since `from` (a word); negative: `from` is in the future. Right within 24 days. */
export function elapsed(from: number, now: number): number {
  return (toWord(now) - from) | 0
}
