import type { Downstream } from './downstream.ts'
import type { Exchange } from './exchange.ts'
import type { Failure } from './failures.ts'
import type { Reply } from './verdict.ts'

/** A side request of a policy, with a body held in memory. */
export interface SideRequest {
  readonly method: string
  readonly target: string
  /** Host without port, for the log. */
  readonly host?: string
  /** Host as a client asked for it. */
  readonly authority?: string
  readonly headers: readonly string[]
  readonly body: Buffer | undefined
}

/** What the engine offers to policies. Everything is bounded and drained with the engine. */
export interface Services {
  /**
   * One request to an upstream, its own attempts and deadline (milliseconds from now); the answer's body is bounded (1
   * MiB).
   */
  call(upstream: string, request: SideRequest, deadlineMs: number): Promise<Reply | Failure>
  /** `ex.forwardHeaders`, made now if needed: end-to-end fields of the request plus ours. The caller may change it. */
  forwardHeaders(ex: Exchange): string[]
  /** Whether the path decides over the endpoint of a request, at any upstream that it may go to. */
  hashesPath(ex: Exchange): boolean
  /** Median of the milliseconds to the head of an answer of its route, as this worker saw it recently; 0: unknown. */
  typicalMs(ex: Exchange, now: number): number
  /** Handles an exchange from a source of the policy's own, for example a mirrored copy. */
  handle(downstream: Downstream): void
  /** Runs work that outlives its exchange; false: more than `bound` of that name are already running. */
  background(name: string, bound: number, work: () => Promise<void>): boolean
}
