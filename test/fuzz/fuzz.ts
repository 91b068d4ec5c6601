/** One run of a fuzzer; the same seed makes the same inputs. */
export interface FuzzOptions {
  readonly cases: number
  readonly seed: number
  readonly progress?: (done: number) => void
}

export interface FuzzResult {
  readonly cases: number
  /** How the cases ended, by what it is called on the page. */
  readonly counts: Readonly<Record<string, number>>
  /** How many inputs had each kind of fault, where that is known. */
  readonly kinds?: Readonly<Record<string, number>>
  /** What must not be: all of it. */
  readonly differences: readonly unknown[]
}
