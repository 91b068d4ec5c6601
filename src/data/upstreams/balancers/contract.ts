/** What a balancer chooses among. */
export interface Candidate {
  /** At least 1. */
  readonly weight: number
  readonly usable: boolean
  /** Requests in flight, of all workers. */
  readonly load: number
}

/** Chooses the next candidate. Synchronous, knows nothing of HTTP; one instance for each tier of an upstream. */
export interface Balancer<C extends Candidate> {
  /** Members or weights changed; what is known of those that stay is kept. */
  update(candidates: readonly C[]): void
  /** A usable candidate that is not `excluded`; undefined if there is none. */
  pick(excluded: readonly C[]): C | undefined
}

export function eligible<C extends Candidate>(candidate: C, excluded: readonly C[]): boolean {
  return candidate.usable && !excluded.includes(candidate)
}
