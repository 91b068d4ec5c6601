import type { Exchange } from '../../core/exchange.ts'
import type { Left, Policy } from '../../core/policy.ts'
import { dropReply, isRefusal, isReply, isReroute, type Refusal, type Reply, type Verdict } from '../../core/verdict.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Chain } from './chain.ts'

/** Learns how admission went; exactly one of these is called, unless the exchange leaves first. */
export interface AdmissionOwner {
  readonly clock: Clock
  onAdmitted(): void
  onRefused(verdict: Refusal | Reply): void
  /** It goes on under the route of that name. */
  onReroute(name: string): void
  onBug(error: unknown): void
  /** Only reported. */
  bug(error: unknown): void
}

/** Asks the policies of a chain, in order, whether an exchange may go on. Only a promise makes it wait. */
export class Admission {
  private readonly owner: AdmissionOwner
  private readonly ex: Exchange
  private readonly chain: Chain
  private pending: Policy | undefined = undefined

  constructor(owner: AdmissionOwner, ex: Exchange, chain: Chain) {
    this.owner = owner
    this.ex = ex
    this.chain = chain
  }

  /** Asks from place `from` of the chain's list of admit hooks on. */
  ask(from: number): void {
    const { hooks, policies } = this.chain
    for (let i = from; i < hooks.admit.length; i++) {
      const place = hooks.admit[i] as number
      const policy = policies[place] as Policy
      // Those in between, which do not admit, are reached as well.
      this.ex.reached = place + 1
      let verdict: ReturnType<NonNullable<Policy['admit']>>
      try {
        verdict = policy.admit?.(this.ex)
      } catch (error) {
        this.owner.onBug(error)
        return
      }
      if (verdict === undefined) continue
      if (verdict instanceof Promise) this.await(policy, verdict, i + 1)
      else this.decided(policy, verdict)
      return
    }
    this.owner.onAdmitted()
  }

  /** The exchange ended while a policy's verdict is pending: the policy is told, and its late verdict is ignored. */
  leave(why: Left): void {
    const { pending } = this
    this.pending = undefined
    try {
      pending?.left?.(this.ex, why)
    } catch (error) {
      this.owner.bug(error)
    }
  }

  private decided({ name }: Policy, verdict: NonNullable<Verdict>): void {
    if (isReroute(verdict)) {
      this.owner.onReroute(verdict.reroute)
      return
    }
    if (isRefusal(verdict)) this.ex.refused(this.owner.clock, name, verdict.reason, 'enforce')
    this.owner.onRefused(verdict)
  }

  private await(policy: Policy, verdict: Promise<Verdict>, next: number): void {
    this.pending = policy
    verdict.then(
      (late) => {
        if (this.pending !== policy) {
          if (late !== undefined && isReply(late)) dropReply(late)
          return
        }
        this.pending = undefined
        if (late === undefined) this.ask(next)
        else this.decided(policy, late)
      },
      (error: unknown) => {
        if (this.pending === policy) this.owner.onBug(error)
      },
    )
  }
}
