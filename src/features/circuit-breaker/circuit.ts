import type { OutcomeWindow } from '../../cells/window.ts'
import { elapsed, toWord } from '../../cells/words.ts'
import type { Upload } from '../../core/exchange.ts'
import type { Random } from '../../lib/random.ts'
import { CircuitState, type CircuitStateName, CircuitWord, Forced } from './circuit-words.ts'

/** When a circuit opens and how it comes back. Milliseconds and ratios. */
export interface CircuitOptions {
  /** Share of failures, 0 to 1, at which it opens. */
  readonly errorRate: number
  /** Outcomes in the window below which it never opens. */
  readonly minRequests: number
  readonly openFor: number
  /** The open time doubles with each opening up to this. */
  readonly maxOpenFor: number
  /** Probes that must succeed, and that may be in flight at the same time. */
  readonly probes: number
  /** Time in which the admitted share grows to all; 0: at once. */
  readonly ramp: number
  /** A probe without a result for this time has failed. */
  readonly lease: number
}

/** What a call came to. `neutral`: it teaches nothing (the client left, a hedge lost). */
export type CallOutcome = 'success' | 'failure' | 'neutral'

/** Why a circuit changed. */
export type CircuitCause = 'error_rate' | 'probe_failed' | 'probes_lost' | 'probes_succeeded' | 'time'

/** A change, and what decided it: calls of the window, or probes. */
export interface CircuitChange {
  readonly to: CircuitStateName
  readonly cause: CircuitCause
  readonly failed: number
  readonly total: number
  /** Until it changes by itself, milliseconds; 0: it does not. */
  readonly ms: number
}

/** {@link Circuit.admit}: refused. */
export const REFUSED = -1
/** {@link Circuit.admit}: only probes are admitted, and this call cannot be one before its body is at hand. */
export const BODY_FIRST = -2

/** What a ticket stands for, in its lowest two bits. */
const CALL = 0
const PROBE = 1
const GUEST = 2

/** Retry time of calls refused while probes decide, milliseconds. */
const SOON_MS = 1000
const FIRST_SHARE = 0.1
const JITTER = 0.2
/** Milliseconds between two guests. */
const GUEST_MS = 1000
const GENERATIONS = 2 ** 28

/**
 * A circuit breaker in shared words: when one opens, all are open. The state word is the state and its generation, changed
 * by compare-and-swap; what belongs to a generation (when it ends, probes, openings) has two places by its parity, so that
 * it is there before the state that it belongs to. Calls carry the generation in which they were admitted: results of an
 * older one are dropped. States and half-open probes as in Nygard, "Release It!"; a bounded rate of failures over a rolling
 * window as in Hystrix; the growing share after probation as in Traefik.
 *
 * A client that sends a request body could hold a probe for as long as it likes: probes are calls whose whole body is at
 * hand. A call with a body too large for that goes as a guest, one per second: it decides like a probe and holds no place.
 */
export class Circuit {
  options: CircuitOptions
  private readonly words: Int32Array
  private readonly at: number
  private readonly window: OutcomeWindow
  private readonly random: Random
  private readonly onChange: (change: CircuitChange) => void

  /** `at`: first of {@link CIRCUIT_WORDS} in `words`. `onChange` is called by the worker that made the change. */
  constructor(
    words: Int32Array,
    at: number,
    window: OutcomeWindow,
    options: CircuitOptions,
    random: Random,
    onChange: (change: CircuitChange) => void,
  ) {
    this.words = words
    this.at = at
    this.window = window
    this.options = options
    this.random = random
    this.onChange = onChange
  }

  /** A ticket for {@link settle}, {@link REFUSED} or {@link BODY_FIRST}. `now`: clock milliseconds; `upload`: of the call. */
  admit(now: number, upload: Upload = 'whole'): number {
    const forced = Atomics.load(this.words, this.at + CircuitWord.forced)
    if (forced === Forced.open) return REFUSED
    for (;;) {
      const word = this.word()
      const generation = word >>> 2
      if (forced === Forced.closed) return ticket(generation, CALL)
      switch (word & 3) {
        case CircuitState.closed:
          return ticket(generation, CALL)
        case CircuitState.open:
          if (this.openMs(generation, now) > 0) return REFUSED
          this.change(word, 'halfOpen', now, this.openings(generation), { cause: 'time', failed: 0, total: 0, ms: 0 })
          break
        case CircuitState.halfOpen:
          if (upload === 'unread') return BODY_FIRST
          if (upload === 'begun') return this.takeGuest(now) ? ticket(generation, GUEST) : REFUSED
          if (this.hangs(generation, now)) this.open(word, now, this.probing(generation, 'probes_lost'))
          else return this.takeProbe(generation, now) ? ticket(generation, PROBE) : REFUSED
          break
        default: {
          const share = this.share(generation, now)
          if (share >= 1) this.relax(word)
          else return this.random.float() < share ? ticket(generation, CALL) : REFUSED
        }
      }
    }
  }

  /** Open and not yet due for a probe, so that no call passes; changes nothing. */
  isOpen(now: number): boolean {
    const forced = Atomics.load(this.words, this.at + CircuitWord.forced)
    if (forced !== Forced.no) return forced === Forced.open
    const word = this.word()
    return (word & 3) === CircuitState.open && this.openMs(word >>> 2, now) > 0
  }

  /** Every ticket is settled once. */
  settle(given: number, outcome: CallOutcome, now: number): void {
    const generation = given >>> 2
    const word = this.word()
    if (word >>> 2 !== generation) return
    if ((given & 3) !== CALL) this.settleProbe(word, given & 3, outcome, now)
    else if (outcome !== 'neutral' && counts(word)) {
      this.window.record(now, generation, outcome === 'failure')
      if (outcome === 'failure') this.judge(word, now)
    }
  }

  /** A call that was settled as a success broke afterwards: one failure more. */
  spoil(given: number, now: number): void {
    const word = this.word()
    if (word >>> 2 !== given >>> 2) return
    if ((word & 3) === CircuitState.halfOpen) this.open(word, now, this.probing(word >>> 2, 'probe_failed'))
    else if (counts(word)) {
      this.window.spoil(now, given >>> 2)
      this.judge(word, now)
    }
  }

  /** Milliseconds after which a refused call may succeed. */
  retryAfter(now: number): number {
    if (Atomics.load(this.words, this.at + CircuitWord.forced) === Forced.open) {
      return Math.max(0, -elapsed(Atomics.load(this.words, this.at + CircuitWord.forcedUntil), now))
    }
    const word = this.word()
    return (word & 3) === CircuitState.open ? this.openMs(word >>> 2, now) : SOON_MS
  }

  private settleProbe(word: number, kind: number, outcome: CallOutcome, now: number): void {
    const place = this.place(word >>> 2)
    if (outcome === 'failure') this.open(word, now, this.probing(word >>> 2, 'probe_failed'))
    else if (outcome === 'neutral') {
      if (kind === PROBE) Atomics.sub(this.words, place + CircuitWord.probes, 1)
    } else if (Atomics.add(this.words, place + CircuitWord.successes, 1) + 1 >= this.options.probes) {
      const { probes: total, ramp: ms } = this.options
      const why = { cause: 'probes_succeeded', failed: 0, total, ms } as const
      if (ms > 0) this.change(word, 'ramping', now, this.openings(word >>> 2), why)
      else this.change(word, 'closed', now, 0, why)
    }
  }

  private judge(word: number, now: number): void {
    if (Atomics.load(this.words, this.at + CircuitWord.forced) !== Forced.no) return
    const counts = this.window.counts(now, word >>> 2)
    const { total, failed } = counts
    const { minRequests, errorRate } = this.options
    if (total >= minRequests && failed >= errorRate * total) this.open(word, now, { cause: 'error_rate', ...counts })
  }

  /** What the probes of this generation have come to, with one that failed or those that are lost. */
  private probing(
    generation: number,
    cause: 'probe_failed' | 'probes_lost',
  ): Pick<CircuitChange, 'cause' | 'failed' | 'total'> {
    const succeeded = Atomics.load(this.words, this.place(generation) + CircuitWord.successes)
    const failed = cause === 'probe_failed' ? 1 : this.options.probes - succeeded
    return { cause, failed, total: succeeded + failed }
  }

  private open(word: number, now: number, why: Pick<CircuitChange, 'cause' | 'failed' | 'total'>): void {
    const openings = this.openings(word >>> 2) + 1
    const { openFor, maxOpenFor } = this.options
    const wanted = openFor * 2 ** Math.min(openings - 1, 30) * (1 + JITTER * this.random.float())
    const ms = Math.min(maxOpenFor, wanted)
    this.change(word, 'open', now + ms, openings, { ...why, ms })
  }

  /** From `word` to the next generation, unless another worker was first. */
  private change(
    word: number,
    to: CircuitStateName,
    mark: number,
    openings: number,
    why: Omit<CircuitChange, 'to'>,
  ): void {
    const generation = ((word >>> 2) + 1) % GENERATIONS
    const place = this.place(generation)
    Atomics.store(this.words, place + CircuitWord.mark, toWord(mark))
    Atomics.store(this.words, place + CircuitWord.openings, openings)
    Atomics.store(this.words, place + CircuitWord.probes, 0)
    Atomics.store(this.words, place + CircuitWord.successes, 0)
    this.swap(word, (generation << 2) | CircuitState[to], { to, ...why })
  }

  /** The ramp has ended: the same generation, whose window goes on. */
  private relax(word: number): void {
    Atomics.store(this.words, this.place(word >>> 2) + CircuitWord.openings, 0)
    const change = { to: 'closed', cause: 'time', failed: 0, total: 0, ms: 0 } as const
    this.swap(word, (word & ~3) | CircuitState.closed, change)
  }

  private swap(from: number, to: number, change: CircuitChange): void {
    if (Atomics.compareExchange(this.words, this.at + CircuitWord.state, from, to) === from) this.onChange(change)
  }

  private takeProbe(generation: number, now: number): boolean {
    const place = this.place(generation)
    if (Atomics.add(this.words, place + CircuitWord.probes, 1) >= this.options.probes) {
      Atomics.sub(this.words, place + CircuitWord.probes, 1)
      return false
    }
    Atomics.store(this.words, place + CircuitWord.probedAt, toWord(now))
    return true
  }

  private takeGuest(now: number): boolean {
    const since = Atomics.load(this.words, this.at + CircuitWord.guestAt)
    const passed = elapsed(since, now)
    // Below zero: the words have wrapped, weeks ago.
    if (passed >= 0 && passed < GUEST_MS) return false
    return Atomics.compareExchange(this.words, this.at + CircuitWord.guestAt, since, toWord(now)) === since
  }

  /** All probes are in flight, and none has had a result for a whole lease. */
  private hangs(generation: number, now: number): boolean {
    const place = this.place(generation)
    if (Atomics.load(this.words, place + CircuitWord.probes) < this.options.probes) return false
    return elapsed(Atomics.load(this.words, place + CircuitWord.probedAt), now) > this.options.lease
  }

  private share(generation: number, now: number): number {
    const since = this.since(generation, now)
    // Below zero: there was no call for weeks, and the words have wrapped.
    return since < 0 ? 1 : FIRST_SHARE + (1 - FIRST_SHARE) * (since / this.options.ramp)
  }

  /** Remaining open time, milliseconds. */
  private openMs(generation: number, now: number): number {
    const left = -this.since(generation, now)
    return left > 0 && left <= this.options.maxOpenFor ? left : 0
  }

  private since(generation: number, now: number): number {
    return elapsed(Atomics.load(this.words, this.place(generation) + CircuitWord.mark), now)
  }

  private openings(generation: number): number {
    return Atomics.load(this.words, this.place(generation) + CircuitWord.openings)
  }

  private word(): number {
    return Atomics.load(this.words, this.at + CircuitWord.state)
  }

  private place(generation: number): number {
    return this.at + (generation & 1)
  }
}

/** Whether outcomes are counted in this state. */
function counts(word: number): boolean {
  const state = word & 3
  return state === CircuitState.closed || state === CircuitState.ramping
}

function ticket(generation: number, kind: number): number {
  return generation * 4 + kind
}
