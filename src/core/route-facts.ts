import type { Exchange } from './exchange.ts'
import type { Reason } from './failures.ts'

/** Where the requests of a compiled route are recorded; `data/seeing/recorder.ts` makes it. */
export interface RouteRecord {
  finish(ex: Exchange): void
  /** A policy refused the request or, in mode shadow, would have. */
  refused(policy: string, reason: Reason, mode: 'enforce' | 'shadow'): void
}

/** The part of a compiled route that all may read. */
export interface RouteFacts {
  readonly name: string
  readonly record: RouteRecord | undefined
}
