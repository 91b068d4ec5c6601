import type { Attempt } from '../../core/attempt.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { Failure } from '../../core/failures.ts'
import type { HeadVerdict } from '../../core/outcome.ts'
import type { Left, Policy, Recovery } from '../../core/policy.ts'
import type { TunnelBridge, TunnelStage } from '../../core/tunnel.ts'
import { dropReply, isRefusal, isReply, type Refusal, type Verdict } from '../../core/verdict.ts'
import { asError } from '../../lib/as-error.ts'
import type { Clock } from '../../lib/clock.ts'
import { isThenable } from '../../lib/thenable.ts'
import type { Chain } from './chain.ts'

const INTERNAL: Refusal = { reason: 'internal' }

/** The run whose policies are asked: learns of hooks that throw, and says whether what comes late is still wanted. */
export interface HooksOwner {
  readonly ex: Exchange
  readonly clock: Clock
  readonly over: boolean
  /** Ends the exchange. */
  onBug(error: unknown): void
  /** Only reported: a `left`, `recover` or `settle` hook threw, and the others are still called; a `stream` hook, which refuses so. */
  bug(error: unknown): void
}

/** The next policy is behind the gate, and the request has a body. */
export const AT_GATE = 'at gate'

/** What admission has come to. undefined: all let the exchange in; an Error: a hook threw. */
export type Admission = Verdict | Pending | typeof AT_GATE | Error

/**
 * Asks the `admit` hooks in order, from place `from` of the chain's list on, until one decides or waits. `passed`: that place is at
 * the gate, and may be asked now.
 */
export function admit(ex: Exchange, chain: Chain, clock: Clock, from = 0, passed = false): Admission {
  const { gate, hooks, policies } = chain
  for (let i = from; i < hooks.admit.length; i++) {
    if (i === gate && !passed && ex.downstream.contentLength !== 0) return AT_GATE
    const place = hooks.admit[i] as number
    const policy = policies[place] as Policy
    // Those in between, which do not admit, are reached as well.
    ex.reached = place + 1
    try {
      const verdict = policy.admit?.(ex)
      if (verdict === undefined) continue
      if (isThenable(verdict)) return new Pending(ex, chain, clock, policy, verdict, i + 1)
      return decided(ex, clock, policy, verdict)
    } catch (error) {
      return asError(error)
    }
  }
  return undefined
}

function decided(ex: Exchange, clock: Clock, { name }: Policy, verdict: NonNullable<Verdict>): Verdict {
  if (isRefusal(verdict)) ex.refused(clock, name, verdict.reason, 'enforce')
  return verdict
}

/** A policy has yet to say whether it lets an exchange in. */
export class Pending {
  private readonly ex: Exchange
  private readonly chain: Chain
  private readonly clock: Clock
  private readonly policy: Policy
  private readonly verdict: PromiseLike<Verdict>
  /** Where it goes on. */
  private readonly next: number
  private over = false

  constructor(ex: Exchange, chain: Chain, clock: Clock, policy: Policy, verdict: PromiseLike<Verdict>, next: number) {
    this.ex = ex
    this.chain = chain
    this.clock = clock
    this.policy = policy
    this.verdict = verdict
    this.next = next
  }

  /** `then` gets what admission comes to, unless the exchange leaves before. */
  wait(then: (admission: Admission) => void): void {
    const { chain, clock, ex, next, policy } = this
    Promise.resolve(this.verdict).then(
      (late) => {
        if (this.over) {
          if (late !== undefined && isReply(late)) dropReply(late)
          return
        }
        this.over = true
        then(late === undefined ? admit(ex, chain, clock, next) : decided(ex, clock, policy, late))
      },
      (error: unknown) => {
        if (!this.over) then(asError(error))
      },
    )
  }

  /** The exchange has ended meanwhile: the policy is told, and its late verdict ignored. Returns what its hook has thrown. */
  leave(why: Left): Error | undefined {
    if (this.over) return undefined
    this.over = true
    try {
      this.policy.left?.(this.ex, why)
      return undefined
    } catch (error) {
      return asError(error)
    }
  }
}

/** Tells the policies which let the attempt pass its head verdict. */
export function attempted(
  owner: Pick<HooksOwner, 'ex' | 'onBug'>,
  { hooks, policies }: Chain,
  at: Attempt,
  head: HeadVerdict,
): void {
  at.head = head
  for (const place of hooks.attempted) {
    if (place >= at.passed) break
    try {
      policies[place]?.attempted?.(owner.ex, at)
    } catch (error) {
      owner.onBug(error)
    }
  }
}

/** Whether a policy rejects an answer with this status as if there were none. */
export function unusable(owner: Pick<HooksOwner, 'ex' | 'onBug'>, { hooks, policies }: Chain, status: number): boolean {
  try {
    return hooks.unusable.some((place) => policies[place]?.unusable?.(owner.ex, status) === true)
  } catch (error) {
    owner.onBug(error)
    return false
  }
}

/** Asks the `recover` hooks in order, from place `from` of the chain's list on; `done` gets the first answer, and where to go on. */
export function recover(
  owner: HooksOwner,
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
      if (isThenable(reply)) {
        Promise.resolve(reply).then(
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

/** Asks the `tunnel` hooks; throws what one of them throws. */
export function tunnelOf(ex: Exchange, { hooks, policies }: Chain): TunnelStage | TunnelBridge | undefined {
  for (const place of hooks.tunnel) {
    const one = place < ex.reached ? policies[place]?.tunnel?.(ex) : undefined
    if (one !== undefined) return one
  }
  return undefined
}

/** Asks the `stream` hooks whether an event stream may begin. undefined: all admit it. */
export function streamRefusal(owner: HooksOwner, ex: Exchange, chain: Chain): Refusal | undefined {
  for (const place of chain.hooks.stream) {
    if (place >= ex.reached) continue
    const policy = chain.policies[place]
    try {
      const refusal = policy?.stream?.(ex)
      if (policy === undefined || refusal === undefined) continue
      ex.refused(owner.clock, policy.name, refusal.reason, 'enforce')
      return refusal
    } catch (error) {
      owner.bug(error)
      return INTERNAL
    }
  }
  return undefined
}

/** Runs the `respond` hooks of the policies that were reached, in reverse, then `done`. */
export function runRespond<O extends HooksOwner>(
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
      if (waiting !== undefined && isThenable(waiting)) {
        Promise.resolve(waiting).then(
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

/** Runs the `upstreamDone` hooks of the policies that were reached, in reverse, even if some of them throw. */
export function runUpstreamDone(owner: Pick<HooksOwner, 'bug'>, ex: Exchange, chain: Chain): void {
  tellInReverse(owner, ex, chain, chain.hooks.upstreamDone, upstreamDone)
}

/** The same of the `settle` hooks. */
export function runSettle(owner: Pick<HooksOwner, 'bug'>, ex: Exchange, chain: Chain): void {
  tellInReverse(owner, ex, chain, chain.hooks.settle, settle)
}

function tellInReverse(
  owner: Pick<HooksOwner, 'bug'>,
  ex: Exchange,
  { policies }: Chain,
  places: readonly number[],
  tell: (policy: Policy, ex: Exchange) => void,
): void {
  for (let i = places.length - 1; i >= 0; i--) {
    const place = places[i] as number
    if (place >= ex.reached) continue
    try {
      tell(policies[place] as Policy, ex)
    } catch (error) {
      owner.bug(error)
    }
  }
}

function upstreamDone(policy: Policy, ex: Exchange): void {
  policy.upstreamDone?.(ex)
}

function settle(policy: Policy, ex: Exchange): void {
  policy.settle?.(ex)
}
