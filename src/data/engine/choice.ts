import { Attempt } from '../../core/attempt.ts'
import { type Failure, failure } from '../../core/failures.ts'
import { UNUSED } from '../../core/outcome.ts'
import type { Policy } from '../../core/policy.ts'
import { isRefusal } from '../../core/verdict.ts'
import type { Endpoint } from '../upstreams/endpoint.ts'
import type { Upstream } from '../upstreams/upstream.ts'
import type { AttemptsHost } from './attempts-host.ts'
import type { Chain } from './chain.ts'
import { attempted } from './hooks.ts'
import type { AttemptPlan } from './plan.ts'
import type { Share } from './split.ts'

/** One possibility: an endpoint, and the attempt that policies have let pass. */
export interface Candidate {
  readonly at: Attempt
  readonly endpoint: Endpoint
  readonly upstream: Upstream
}

const NO_ENDPOINTS: readonly Endpoint[] = []
const NO_UPSTREAMS: readonly Upstream[] = []

/** Where the next attempt of a request goes: which upstreams and endpoints were used, are full, or refuse. */
export class Choice {
  /** Why a policy refused the latest candidate that none followed. */
  refusal: (Failure & { readonly elsewhere?: true }) | undefined = undefined
  /** A policy wants the request body to be at hand before it is asked again. */
  bodyFirst = false
  private readonly host: AttemptsHost
  private readonly chain: Chain
  private readonly plan: Pick<AttemptPlan, 'maxAttempts' | 'split'>
  private share: Share
  /** Replaced, never changed: most requests need one attempt, and share the empty lists. */
  private used: readonly Endpoint[] = NO_ENDPOINTS
  /** Refused before dispatch in this request: not asked again. */
  private full: readonly Endpoint[] = NO_ENDPOINTS
  /** Refused the next attempt, whatever the endpoint: not asked twice per choice. */
  private closed: readonly Upstream[] = NO_UPSTREAMS
  /** The first attempt went to another share than that drawn, see `elsewhere`. */
  private spilled = false
  /** Index of the upstream that the latest attempt went to. */
  private reached = 0
  /** Permits of the upstream of the latest attempt that are about to come back. */
  private ending: 0 | 1 = 0

  constructor(host: AttemptsHost, chain: Chain, share: Share, plan: Pick<AttemptPlan, 'maxAttempts' | 'split'>) {
    this.host = host
    this.chain = chain
    this.share = share
    this.plan = plan
    if (host.last !== undefined) this.used = avoidable(share.upstreams, host.last)
  }

  /**
   * Unused endpoints of the upstream, then of each failover upstream, then used ones. Of the attempts that are left, the last
   * goes to the next failover upstream if there is one. What a hook or a balancer throws ends the exchange: a further attempt
   * has no caller that catches it.
   */
  next(): Candidate | undefined {
    try {
      return this.search()
    } catch (error) {
      this.host.onBug(error)
      return undefined
    }
  }

  private search(): Candidate | undefined {
    const { body, ex } = this.host
    if (body !== undefined) ex.upload = body.atHand
    this.bodyFirst = false
    this.closed = NO_UPSTREAMS
    const last = ex.attempts > 0 && ex.attempts + 1 === this.plan.maxAttempts
    const first = last && this.reached + 1 < this.share.upstreams.length ? this.reached + 1 : 0
    // The attempt before this one has ended, or its answer is not needed: its permit comes back before the next begins.
    this.ending = ex.attempts > 0 ? 1 : 0
    const found = this.scan(first, false) ?? (first > 0 ? this.scan(0, false) : undefined) ?? this.scan(0, true)
    if (found !== undefined || ex.attempts > 0) return found
    // Nothing is usable: an endpoint known to be unhealthy gets the first attempt, and there is no other.
    return this.refusal === undefined ? this.desperate() : this.elsewhere()
  }

  /** An endpoint without an attempt so far. */
  unused(): Candidate | undefined {
    this.closed = NO_UPSTREAMS
    this.ending = 0
    try {
      return this.scan(0, false)
    } catch (error) {
      this.host.onBug(error)
      return undefined
    }
  }

  /** It is sent now. */
  go({ at, endpoint, upstream }: Candidate): void {
    this.used = this.used.length === 0 ? [endpoint] : [...this.used, endpoint]
    upstream.parts.begun(at)
  }

  /** It went to its pool and never left it: no attempt. */
  unsent({ at, endpoint, upstream }: Candidate): void {
    this.used = this.used.filter((other) => other !== endpoint)
    this.full = [...this.full, endpoint]
    upstream.parts.withdrawn(at, true)
  }

  /** It was let pass and is not sent. */
  drop({ at, upstream }: Candidate): void {
    upstream.parts.withdrawn(at, false)
    attempted(this.host, this.chain, at, UNUSED)
  }

  private elsewhere(): Candidate | undefined {
    if (this.spilled || this.bodyFirst || this.refusal?.elsewhere !== true) return undefined
    const other = this.plan.split.instead(this.share, this.host.ex, this.chain)
    if (other === undefined) return undefined
    this.spilled = true
    this.share = other
    return this.scan(0, false)
  }

  private desperate(): Candidate | undefined {
    for (const upstream of this.share.upstreams) {
      const endpoint = upstream.lastResort(this.full)
      if (endpoint === undefined || this.full.includes(endpoint)) continue
      return this.candidate(upstream, endpoint)
    }
    return undefined
  }

  private scan(first: number, again: boolean): Candidate | undefined {
    const { upstreams } = this.share
    for (let i = first; i < upstreams.length; i++) {
      const upstream = upstreams[i] as Upstream
      if (this.closed.includes(upstream) || this.isFull(upstream)) continue
      const endpoint = upstream.pick(this.full.length === 0 ? this.used : [...this.used, ...this.full], this.host.ex)
      if (endpoint === undefined || this.full.includes(endpoint)) continue
      if (!again && this.used.includes(endpoint)) continue
      const candidate = this.candidate(upstream, endpoint)
      if (candidate === undefined) continue
      this.reached = i
      return candidate
    }
    return undefined
  }

  private isFull(upstream: Upstream): boolean {
    const { permits } = upstream.parts
    if (permits === undefined) return false
    if (!permits.isFull(this.share.upstreams[this.reached] === upstream ? this.ending : 0)) return false
    this.closed = [...this.closed, upstream]
    this.refusal = { phase: 'limit', origin: 'sluice', ...permits.refusal }
    this.host.ex.refused(this.host.clock, permits.policy, permits.refusal.reason, 'enforce', upstream.name)
    return true
  }

  private candidate(upstream: Upstream, endpoint: Endpoint): Candidate | undefined {
    const { host } = this
    const at = new Attempt(host.ex.attempts + 1, upstream.name, host.clock.now(), this.chain.slots.attempt)
    if (!upstream.parts.admits(host.ex, at)) {
      this.closed = [...this.closed, upstream]
      return undefined
    }
    if (!this.passes(at)) {
      this.closed = [...this.closed, upstream]
      upstream.parts.withdrawn(at, false)
      return undefined
    }
    at.endpoint = endpoint.id
    at.authority = endpoint.authority
    return { at, endpoint, upstream }
  }

  private passes(at: Attempt): boolean {
    const { chain } = this
    for (const place of chain.hooks.attempt) {
      const refusal = this.ask(place, at)
      if (refusal !== undefined) {
        this.refusal = refusal
        attempted(this.host, this.chain, at, UNUSED)
        return false
      }
      at.passed = place + 1
    }
    at.passed = chain.policies.length
    return true
  }

  private ask(place: number, at: Attempt): Choice['refusal'] {
    try {
      const verdict = this.chain.policies[place]?.attempt?.(this.host.ex, at)
      if (verdict === undefined) return undefined
      if (!isRefusal(verdict)) throw new Error('an attempt hook can refuse, and nothing else')
      const { clock, ex } = this.host
      if (verdict.bodyFirst) this.bodyFirst = true
      else ex.refused(clock, (this.chain.policies[place] as Policy).name, verdict.reason, 'enforce', at.upstream)
      return { phase: 'limit', origin: 'sluice', ...verdict }
    } catch (error) {
      this.host.onBug(error)
      return failure('internal', 'limit', 'sluice')
    }
  }
}

/** An endpoint whose upstream has others in service. */
function avoidable(upstreams: readonly Upstream[], id: string): readonly Endpoint[] {
  return upstreams.flatMap(({ endpoints }) => {
    const others = endpoints.some((endpoint) => endpoint.id !== id && endpoint.inService)
    return others ? endpoints.filter((endpoint) => endpoint.id === id) : []
  })
}
