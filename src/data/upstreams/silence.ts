import { elapsed, toWord } from '../../cells/words.ts'
import { HEAD_GRAIN_MS } from '../../core/protocol.ts'

/** Attempts further apart than this are unrelated: hedges overtake healthy endpoints now and then. */
const MUTE_MS = 10_000

/** Since when an endpoint has sent no head of an answer, to any worker. */
export class Silence {
  private readonly words: Int32Array
  private readonly word: number
  /** When this worker saw the latest head, and when it last wrote that for the others. */
  private headAt = Number.NEGATIVE_INFINITY
  private toldAt = Number.NEGATIVE_INFINITY
  /** When it was last overtaken, and since when it had been mute at that time. */
  private overtakenAt = Number.NEGATIVE_INFINITY
  private mute = 0

  /** `word`: in `words`, shared by all workers. */
  constructor(words: Int32Array, word: number) {
    this.words = words
    this.word = word
  }

  answered(now: number): void {
    this.headAt = now
    if (now - this.toldAt < HEAD_GRAIN_MS) return
    this.toldAt = now
    Atomics.store(this.words, this.word, toWord(now))
  }

  /** No worker has seen a head since then. */
  lastsSince(at: number): boolean {
    if (this.headAt >= at) return false
    return elapsed(Atomics.load(this.words, this.word), at) > HEAD_GRAIN_MS
  }

  /**
   * An attempt that began at `startedAt` is overtaken now. Returns when the first of a series of such attempts began, one
   * soon after another, without a head since.
   */
  muteSince(startedAt: number, now: number): number {
    if (startedAt - this.overtakenAt > MUTE_MS || !this.lastsSince(this.mute)) this.mute = startedAt
    this.overtakenAt = now
    return this.mute
  }
}
