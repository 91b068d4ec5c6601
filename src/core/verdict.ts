import type { Failure } from './failures.ts'

/** A policy's no: `reason` decides status and text. */
export type Refusal = Omit<Failure, 'phase' | 'origin'> &
  Partial<Pick<Failure, 'phase' | 'origin'>> & {
    /** From an `attempt` hook: not before the request body is at hand, see `Exchange.upload`. It is asked again then. */
    readonly bodyFirst?: true
  }

/** An answer that a policy gives itself. `headers` flat, `body` whole. */
export interface Reply {
  readonly status: number
  readonly headers: readonly string[]
  readonly body: Buffer | undefined
}

/** Go on, no, or an answer. A value with `reason` is a refusal, one with `status` a reply. */
export type Verdict = undefined | Refusal | Reply

export function isReply(verdict: Refusal | Reply): verdict is Reply {
  return 'status' in verdict
}

export function isRefusal(value: object): value is Refusal {
  return 'reason' in value
}
