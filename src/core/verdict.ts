import type { Failure } from './failures.ts'
import type { Source } from './source.ts'

/** A refusal by a policy: `reason` decides status and text. */
export type Refusal = Omit<Failure, 'phase' | 'origin'> &
  Partial<Pick<Failure, 'phase' | 'origin'>> & {
    /**
     * From an `attempt` hook: not before the request body is at hand, see `Exchange.upload`. The hook is called again then.
     */
    readonly bodyFirst?: true
    /**
     * From an `attempt` hook: it refuses what `usable` said would pass. A first attempt goes to another upstream of the route
     * then, if there is one.
     */
    readonly elsewhere?: true
  }

/**
 * An answer by a policy itself. `headers` flat. A body in memory comes with its `content-length`; that of a source with a
 * known length is written by the engine, which owns the source from then on.
 */
export interface Reply {
  readonly status: number
  readonly headers: readonly string[]
  readonly body: Buffer | Source | undefined
}

/** One whose body is in memory. */
export interface WholeReply extends Reply {
  readonly body: Buffer | undefined
}

/**
 * The same request goes on under another route, with the policies, attempts and time limits of that one. Once for each
 * route; no time limit of the routes before gets longer.
 */
export interface Reroute {
  /** Name of the route; a schema that reads it from options is `reference('route')`. */
  readonly reroute: string
}

/** Continue, refuse, answer, or go on under another route: told apart by `reason`, `status` and `reroute`. */
export type Verdict = undefined | Refusal | Reply | Reroute

/** Tells a reply from a refusal. */
export function isReply(verdict: Refusal | Reply | Reroute): verdict is Reply {
  return 'status' in verdict
}

/** It is not sent after all: what its body holds is given back. */
export function dropReply({ body }: Reply): void {
  if (body === undefined || Buffer.isBuffer(body)) return
  try {
    body.cancel()
  } catch {
    // That of a plug-in may throw, and this is a promise that came late: nothing depends on it any more.
  }
}

/** Tells a refusal from other values. */
export function isRefusal(value: object): value is Refusal {
  return 'reason' in value
}

/** Tells a change of the route from other verdicts. */
export function isReroute(verdict: Refusal | Reply | Reroute): verdict is Reroute {
  return 'reroute' in verdict
}
