import { elapsed, toWord } from '../../cells/words.ts'
import type { EndpointWords } from '../../core/endpoint-words.ts'
import type { Random } from '../../lib/random.ts'
import type { OutlierOptions } from './keys.ts'
import type { Sample } from './rates.ts'

export type EjectionCause = 'consecutive_failures' | 'consecutive_5xx' | 'failure_percentage' | 'success_rate'

/** When an endpoint is ejected, and for how long. */
export type EjectionOptions = Pick<
  OutlierOptions,
  'consecutiveFailures' | 'consecutive5xx' | 'baseEjection' | 'maxEjection' | 'maxEjected' | 'mode'
>

export interface Ejected extends Sample {
  readonly endpoint: string
  readonly cause: EjectionCause
  readonly ms: number
  readonly mode: EjectionOptions['mode']
}

/** Reports changes; called once, by the thread that made the change. */
export interface EjectionEvents {
  ejected(ejected: Ejected): void
  returned(endpoint: string): void
}

const JITTER = 0.1

/** Words of an endpoint, by their place. */
const Word = {
  /** Until when it is ejected, clock milliseconds in 32 bits. */
  until: 0,
  /** Ejections in a row. */
  ejections: 1,
  /** Failed attempts in a row. */
  streak: 2,
  /** The same with answers from 500. */
  streak5xx: 3,
} as const

export const OUTLIER_WORDS = 4

/** A streak on probation begins here, above every limit: its first failure is one too many. */
const PROBATION = 1_048_576

/**
 * The endpoints of an upstream, of which some may be ejected: never more than the cap, never the last usable one. A group
 * of two may always lose one, however small the share: a cap that rounds to none would keep a dead endpoint
 * (envoyproxy/envoy ejects either none or, with an exception for one, even the only one).
 */
export class EjectionGroup {
  options: EjectionOptions
  members: readonly Outlier[] = []
  readonly random: Random
  readonly events: EjectionEvents
  private readonly words: Int32Array
  private readonly count: number

  /** `count`: the word that holds how many are ejected. */
  constructor(words: Int32Array, count: number, options: EjectionOptions, random: Random, events: EjectionEvents) {
    this.words = words
    this.count = count
    this.options = options
    this.random = random
    this.events = events
  }

  /** How many may be ejected at the same time. */
  get cap(): number {
    const { length } = this.members
    return Math.min(length - 1, Math.max(1, Math.floor(length * this.options.maxEjected)))
  }

  /** @internal One more, if the cap admits it. */
  enter(): boolean {
    if (Atomics.add(this.words, this.count, 1) < this.cap) return true
    this.leave()
    return false
  }

  /** @internal */
  leave(): void {
    Atomics.sub(this.words, this.count, 1)
  }

  /** Counts again: endpoints may have left the upstream while they were ejected. */
  repair(): void {
    const seen = Atomics.load(this.words, this.count)
    const real = this.members.filter((member) => member.flagged).length
    Atomics.compareExchange(this.words, this.count, seen, real)
  }
}

/**
 * Passive outlier detection of one endpoint, in words that all workers share. Ejection for consecutive failures, for a time
 * that grows with the number of ejections, as in Envoy; afterwards the endpoint is on probation: its first failure ejects
 * it again, its first success clears it.
 */
export class Outlier {
  readonly endpoint: string
  private readonly shared: EndpointWords
  private readonly group: EjectionGroup
  private readonly words: Int32Array
  private readonly at: number

  /** `at`: first of {@link OUTLIER_WORDS} in `words`. */
  constructor(
    endpoint: { readonly id: string; readonly words: EndpointWords },
    group: EjectionGroup,
    words: Int32Array,
    at: number,
  ) {
    this.endpoint = endpoint.id
    this.shared = endpoint.words
    this.group = group
    this.words = words
    this.at = at
  }

  /** Number of ejections in a row: rates are counted under it, so that each judgement has its own. */
  get ejections(): number {
    return Atomics.load(this.words, this.at + Word.ejections)
  }

  /** Whether it is ejected; an endpoint whose time has passed comes back now. */
  ejected(now: number): boolean {
    if (!this.flagged) return false
    if (elapsed(Atomics.load(this.words, this.at + Word.until), now) < 0) return true
    this.restore(now)
    return false
  }

  /** @internal The flag alone. */
  get flagged(): boolean {
    return this.shared.ejected
  }

  /** The result of an attempt. `server`: the endpoint answered with a status from 500 on. */
  record(failed: boolean, server: boolean, now: number): void {
    const { consecutiveFailures, consecutive5xx } = this.group.options
    this.streak(Word.streak, failed, consecutiveFailures, 'consecutive_failures', now)
    this.streak(Word.streak5xx, failed || server, consecutive5xx, 'consecutive_5xx', now)
  }

  /** `failed` of `total` attempts decided it. False: it is ejected already, or the group cannot spare it. */
  eject(cause: EjectionCause, { failed, total }: Sample, now: number): boolean {
    if (this.flagged) return false
    const { group, endpoint } = this
    const { baseEjection, maxEjection, mode } = group.options
    const times = this.ejections + 1
    const ms = Math.min(maxEjection, baseEjection * times) * (1 + JITTER * group.random.float())
    if (mode === 'enforce' && !this.flag(now + ms)) return false
    if (mode === 'shadow') this.begin(0)
    Atomics.store(this.words, this.at + Word.ejections, times)
    group.events.ejected({ endpoint, cause, failed, total, ms: Math.round(ms), mode })
    return true
  }

  /** Its time is over, or it passed a health check. Later ejections become shorter again. */
  restore(now: number): void {
    // Before the flag falls: a worker that finds it usable finds it on probation.
    this.begin(PROBATION)
    this.shared.warm(now)
    if (!this.shared.readmit()) return
    this.group.leave()
    this.group.events.returned(this.endpoint)
  }

  /** Another interval without ejection: the count of ejections falls by one. */
  forgive(): void {
    const times = this.ejections
    if (times > 0 && !this.flagged) Atomics.compareExchange(this.words, this.at + Word.ejections, times, times - 1)
  }

  private get usable(): boolean {
    return this.shared.healthy && !this.flagged
  }

  private streak(word: number, failed: boolean, limit: number | undefined, cause: EjectionCause, now: number): void {
    if (limit === undefined) return
    const at = this.at + word
    if (!failed) {
      if (Atomics.load(this.words, at) !== 0) Atomics.store(this.words, at, 0)
      return
    }
    const reached = Atomics.add(this.words, at, 1) + 1
    if (reached < limit) return
    const failures = reached % PROBATION
    this.eject(cause, { failed: failures, total: failures }, now)
  }

  private flag(until: number): boolean {
    const { at, group, shared, words } = this
    if (!group.enter()) return false
    Atomics.store(words, at + Word.until, toWord(until))
    if (!shared.eject()) {
      group.leave()
      return false
    }
    // After the flag: of two workers that eject the last two at once, both see it.
    if (group.members.some((member) => member.usable)) return true
    if (shared.readmit()) group.leave()
    return false
  }

  /** Both streaks begin anew. */
  private begin(from: 0 | typeof PROBATION): void {
    Atomics.store(this.words, this.at + Word.streak, from)
    Atomics.store(this.words, this.at + Word.streak5xx, from)
  }
}
