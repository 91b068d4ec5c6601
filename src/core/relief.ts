import type { CallCell } from '../cells/call.ts'
import type { Exchange } from './exchange.ts'

/** An exchange that nothing but its client holds up. */
export interface Stalled {
  readonly ex: Exchange
  /** Its ticket in the pool of an endpoint; undefined: it has none. */
  readonly ticket: { readonly permits: unknown } | undefined
  /** See `Policy.yields`, of the policy of that name on its route. */
  yields(policy: string): boolean
}

/** Something that is bounded, and of which others may hold too much. */
export interface Want {
  /** Requests that wait for it in this worker. Those that are refused at once are none. */
  readonly waiting: number
  /** What other workers are asked with; undefined: each worker has its own share. */
  readonly call: CallCell | undefined
  /** Whether there is one more once this exchange is ended. */
  frees(stalled: Stalled): boolean
}

/** Slow clients hold what belongs to all only until others need it. */
export interface Relief {
  /**
   * There is none left for a request: of the exchanges whose clients stall and that hold one, ends the one whose client moved
   * least. False: there is none in this worker. As long as requests wait, the search is repeated.
   */
  end(want: Want): boolean
}

/** For what is used without exchanges around it. */
export const NO_RELIEF: Relief = { end: () => false }
