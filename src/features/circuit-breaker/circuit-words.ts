import { toWord } from '../../cells/words.ts'

/** The words of a circuit: what they mean, and what the control plane reads and writes of them. */

export const CircuitState = { closed: 0, open: 1, halfOpen: 2, ramping: 3 } as const
export type CircuitStateName = keyof typeof CircuitState

export const Forced = { no: 0, open: 1, closed: 2 } as const

/** Int32 words that a circuit takes, one after another. */
export const CIRCUIT_WORDS = 14

/** By their place. What belongs to a generation has two, by its parity. */
export const CircuitWord = {
  state: 0,
  mark: 1,
  openings: 3,
  probes: 5,
  probedAt: 7,
  successes: 9,
  /** Written by the control plane only, {@link forceCircuit}. */
  forced: 11,
  forcedUntil: 12,
  guestAt: 13,
} as const

/** By number. */
const NAMES: readonly CircuitStateName[] = ['closed', 'open', 'halfOpen', 'ramping']

/** Read by the control plane: what a circuit does now. */
export function circuitState(words: Int32Array, at: number): CircuitStateName | 'forcedOpen' | 'forcedClosed' {
  const forced = Atomics.load(words, at + CircuitWord.forced)
  if (forced === Forced.open) return 'forcedOpen'
  if (forced === Forced.closed) return 'forcedClosed'
  return NAMES[Atomics.load(words, at + CircuitWord.state) & 3] as CircuitStateName
}

/**
 * An operator's order, set by the control plane. `until`: clock milliseconds at which the control plane ends it. False: it is
 * so already.
 */
export function forceCircuit(words: Int32Array, at: number, forced: number, until: number): boolean {
  const word = toWord(until)
  if (Atomics.exchange(words, at + CircuitWord.forcedUntil, word) === word) {
    if (Atomics.load(words, at + CircuitWord.forced) === forced) return false
  }
  Atomics.store(words, at + CircuitWord.forced, forced)
  return true
}
