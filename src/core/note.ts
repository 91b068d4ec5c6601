/**
 * Why no further try followed: all are used; a gateway in front of us tries again; the method must not be repeated; the body
 * is too large to be kept; too little time is left; `retries.when` has no such outcome.
 */
export type NoRetry = 'attempts' | 'prior' | 'method' | 'body' | 'time' | 'condition'

/** Something that was decided on the way of a request. */
export type Decision =
  /** No try there: its circuit breaker is not closed. */
  | { readonly kind: 'breaker'; readonly upstream: string; readonly state: 'open' }
  /** No try there: its bulkhead is full. */
  | { readonly kind: 'bulkhead'; readonly upstream: string }
  /** The retry budget allowed no further try there. */
  | { readonly kind: 'budget'; readonly upstream: string }
  /** A second try began beside a slow first one. */
  | { readonly kind: 'hedge'; readonly upstream: string }
  /** No further try, and why. */
  | { readonly kind: 'no_retry'; readonly because: NoRetry }

/** A decision that the story of its request tells. */
export interface Note {
  /** Clock milliseconds. */
  readonly at: number
  readonly what: Decision
}

/** A request has at most so many. */
export const MAX_NOTES = 32
