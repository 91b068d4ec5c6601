import { elapsed, toWord } from '../../cells/words.ts'
import { type GradientOptions, nextGradient } from './gradient.ts'

/** Int32 words that a limit takes, one after another. */
export const ADAPTIVE_WORDS = 4

/** Thousandths of the limit; 0: not set yet. */
const LIMIT = 0
/** Microseconds. */
const USUAL = 1
const WINDOWS = 2
/** When the latest window ended. */
const ENDED_AT = 3

const WINDOW_MS = 200
const MIN_SAMPLES = 10

/**
 * One limit for all workers, which adapts. It stands in words: the first worker with enough samples of its own at the end
 * of a window ends it for all, by compare-and-swap on its time, and sets the limit by its samples. The others start over:
 * each worker's requests are a fair sample of all.
 */
export class AdaptiveLimit {
  private readonly words: Int32Array
  private readonly at: number
  private readonly options: GradientOptions
  private endedAt = 0
  private sum = 0
  private samples = 0
  private most = 0

  /** `at`: first of {@link ADAPTIVE_WORDS} in `words`. */
  constructor(words: Int32Array, at: number, options: GradientOptions) {
    this.words = words
    this.at = at
    this.options = options
  }

  /** Whole requests. */
  get current(): number {
    return readLimit(this.words, this.at, this.options)
  }

  /** An answer took `ms`; `inFlight`: requests meanwhile, this one included. */
  sample(ms: number, inFlight: number, now: number): void {
    const { words, at } = this
    const endedAt = Atomics.load(words, at + ENDED_AT)
    if (endedAt !== this.endedAt) this.begin(endedAt)
    this.sum += ms
    this.samples++
    if (inFlight > this.most) this.most = inFlight
    if (this.samples < MIN_SAMPLES || elapsed(endedAt, now) < WINDOW_MS) return
    const { sum, samples, most } = this
    const next = toWord(now)
    if (Atomics.compareExchange(words, at + ENDED_AT, endedAt, next) === endedAt) this.end(sum / samples, most)
    this.begin(next)
  }

  private begin(endedAt: number): void {
    this.endedAt = endedAt
    this.sum = 0
    this.samples = 0
    this.most = 0
  }

  private end(took: number, inFlight: number): void {
    const { words, at, options } = this
    const limit = Atomics.load(words, at + LIMIT)
    const state = {
      limit: limit === 0 ? options.initial : limit / 1000,
      usual: Atomics.load(words, at + USUAL) / 1000,
      windows: Atomics.load(words, at + WINDOWS),
    }
    const next = nextGradient(state, Math.max(took, 0.001), inFlight, options)
    Atomics.store(words, at + LIMIT, Math.round(next.limit * 1000))
    Atomics.store(words, at + USUAL, Math.round(next.usual * 1000))
    Atomics.store(words, at + WINDOWS, next.windows)
  }
}

/** The limit as it stands in words, within its bounds. */
export function readLimit(words: Int32Array, at: number, { min, max, initial }: GradientOptions): number {
  const limit = Atomics.load(words, at + LIMIT)
  return Math.trunc(limit === 0 ? initial : Math.max(min, Math.min(max, limit / 1000)))
}
