import type { Exchange } from '../../core/exchange.ts'
import type { Failure } from '../../core/failures.ts'
import type { Recovery } from '../../core/policy.ts'
import { dropReply, isReply, type Refusal } from '../../core/verdict.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Chain } from './chain.ts'

const INTERNAL: Refusal = { reason: 'internal' }

/** How the hooks around an answer report, and how they learn that their result is no longer needed. */
export interface AnswerHooksOwner {
  readonly ex: Exchange
  readonly clock: Clock
  readonly over: boolean
  /** Ends the exchange. */
  onBug(error: unknown): void
  /** Only reported: a `recover` or `settle` hook threw, and the others are still called. */
  bug(error: unknown): void
}

/** Asks the `recover` hooks in order, from place `from` of the chain's list on; `done` gets the first answer, and where to go on. */
export function recover(
  owner: AnswerHooksOwner,
  chain: Chain,
  failed: Failure,
  done: (answer: Recovery | undefined, next: number) => void,
  from = 0,
): void {
  const { ex } = owner
  for (let i = from; i < chain.hooks.recover.length; i++) {
    const place = chain.hooks.recover[i] as number
    if (place >= ex.reached) break
    try {
      const reply = chain.policies[place]?.recover?.(ex, failed)
      if (reply instanceof Promise) {
        reply.then(
          (late) => {
            if (owner.over || ex.sent) {
              if (late !== undefined && isReply(late)) dropReply(late)
            } else if (late === undefined) recover(owner, chain, failed, done, i + 1)
            else done(late, i + 1)
          },
          (error: unknown) => owner.onBug(error),
        )
        return
      }
      if (reply !== undefined) {
        done(reply, i + 1)
        return
      }
    } catch (error) {
      owner.bug(error)
    }
  }
  done(undefined, chain.hooks.recover.length)
}

/** Asks the `stream` hooks whether an event stream may begin. undefined: all admit it. */
export function streamRefusal(owner: AnswerHooksOwner, ex: Exchange, chain: Chain): Refusal | undefined {
  for (const place of chain.hooks.stream) {
    if (place >= ex.reached) continue
    const policy = chain.policies[place]
    try {
      const refusal = policy?.stream?.(ex)
      if (policy === undefined || refusal === undefined) continue
      ex.refused(owner.clock, policy.name, refusal.reason, 'enforce')
      return refusal
    } catch (error) {
      owner.onBug(error)
      return INTERNAL
    }
  }
  return undefined
}

/** Runs the `respond` hooks of the policies that were reached, in reverse, then `done`. */
export function runRespond<O extends AnswerHooksOwner>(
  owner: O,
  ex: Exchange,
  chain: Chain,
  done: (owner: O) => void,
  from = chain.hooks.respond.length - 1,
): void {
  for (let i = from; i >= 0; i--) {
    const place = chain.hooks.respond[i] as number
    if (place >= ex.reached) continue
    try {
      const waiting = chain.policies[place]?.respond?.(ex)
      if (waiting instanceof Promise) {
        waiting.then(
          () => {
            if (!owner.over && !owner.ex.sent) runRespond(owner, ex, chain, done, i - 1)
          },
          (error: unknown) => owner.onBug(error),
        )
        return
      }
    } catch (error) {
      owner.onBug(error)
      return
    }
  }
  done(owner)
}

/** Runs the `settle` hooks of the policies that were reached, in reverse, even if some of them throw. */
export function runSettle(owner: Pick<AnswerHooksOwner, 'bug'>, ex: Exchange, chain: Chain): void {
  for (let i = chain.hooks.settle.length - 1; i >= 0; i--) {
    const place = chain.hooks.settle[i] as number
    if (place >= ex.reached) continue
    try {
      chain.policies[place]?.settle?.(ex)
    } catch (error) {
      owner.bug(error)
    }
  }
}
