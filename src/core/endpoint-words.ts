import { toWord } from '../cells/words.ts'
import { EndpointStateBit, EndpointWord as Word } from './protocol.ts'

/** The state of an endpoint that all threads share, see {@link Word}. */
export class EndpointWords {
  private readonly words: Int32Array
  private readonly at: number

  /** `at`: first of `ENDPOINT_WORDS` in `words`. */
  constructor(words: Int32Array, at: number) {
    this.words = words
    this.at = at
  }

  /** Neither unhealthy nor draining. */
  get healthy(): boolean {
    return Atomics.load(this.words, this.at + Word.state) === 0
  }

  get draining(): boolean {
    return (Atomics.load(this.words, this.at + Word.state) & EndpointStateBit.draining) !== 0
  }

  /** A feature took it out of service. */
  get ejected(): boolean {
    return Atomics.load(this.words, this.at + Word.ejected) === 1
  }

  /** False: it is ejected already. */
  eject(): boolean {
    return Atomics.compareExchange(this.words, this.at + Word.ejected, 0, 1) === 0
  }

  /** False: it was not ejected. */
  readmit(): boolean {
    return Atomics.compareExchange(this.words, this.at + Word.ejected, 1, 0) === 1
  }

  /** Sets a bit of the state; the others stay. */
  set(bit: number): void {
    Atomics.or(this.words, this.at + Word.state, bit)
  }

  /** Clears a bit of the state. An endpoint that becomes usable again warms up. */
  clear(bit: number, now: number): void {
    if ((Atomics.load(this.words, this.at + Word.state) & bit) === 0) return
    // First, so that no worker sees it usable and cold.
    this.warm(now)
    Atomics.and(this.words, this.at + Word.state, ~bit)
  }

  /** It takes requests again from now on. */
  warm(now: number): void {
    Atomics.store(this.words, this.at + Word.since, toWord(now))
    Atomics.store(this.words, this.at + Word.warming, 1)
  }

  /** Milliseconds since it takes requests again; Infinity: it always did. */
  warmFor(now: number): number {
    if (Atomics.load(this.words, this.at + Word.warming) === 0) return Number.POSITIVE_INFINITY
    const elapsed = (Math.round(now) - Atomics.load(this.words, this.at + Word.since)) | 0
    // Below zero: the words have wrapped, weeks ago.
    return elapsed < 0 ? Number.POSITIVE_INFINITY : elapsed
  }
}
