import type { CallCell } from '../cells/call.ts'
import type { Exchange } from './exchange.ts'

/** An exchange that only its client delays. */
export interface Stalled {
  readonly ex: Exchange
  /** Its ticket in the pool of an endpoint; undefined: it has none. */
  readonly ticket: { readonly permits: { readonly upstream: string } | undefined } | undefined
  /** See `Policy.yields`, of the policy of that name on its route. */
  yields(policy: string): boolean
}

/** A bounded resource of which stalled exchanges may hold too much. */
export interface Want {
  /** Requests that wait for it in this worker. Those refused at once do not count. */
  readonly waiting: number
  /** The word by which other workers are asked; undefined: each worker has its own share. */
  readonly call: CallCell | undefined
  /** Whether ending this exchange frees one. */
  frees(stalled: Stalled): boolean
}

/** Slow clients hold a shared resource only until others need it. */
export interface Relief {
  /**
   * There is none left for a request: of the exchanges whose clients stall and that hold one, ends the one whose client moved
   * least. False: there is none in this worker. As long as requests wait, the search is repeated.
   */
  end(want: Want): boolean
}

/** For resources that no exchange holds. */
export const NO_RELIEF: Relief = { end: () => false }
