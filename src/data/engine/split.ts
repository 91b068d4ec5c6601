import type { WeightedUpstream } from '../../core/config.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { FirstAttempt, Lead } from '../../core/plan.ts'
import type { Random } from '../../lib/random.ts'
import type { Upstream } from '../upstreams/upstream.ts'
import type { Chain } from './chain.ts'

/** The part of a route's requests that begins at one of its upstreams. */
export interface Share extends Lead {
  /** The upstream, then those that take over from it. */
  readonly upstreams: readonly Upstream[]
}

/** The upstreams over which the requests of a route are spread. Compiled once. */
export class Split {
  readonly shares: readonly Share[]
  /** There is nothing to draw. */
  readonly only: Share | undefined
  private readonly total: number
  /** undefined: requests go where they were drawn, whatever comes of it. */
  private readonly first: FirstAttempt | undefined

  constructor(
    to: readonly WeightedUpstream[],
    alternates: readonly string[],
    first: FirstAttempt | undefined,
    upstream: (name: string) => Upstream,
  ) {
    const others = alternates.map(upstream)
    this.shares = to.map((target) => {
      const own = upstream(target.upstream)
      return { ...target, upstreams: [own, ...others.filter((other) => other !== own)] }
    })
    this.only = this.shares.length === 1 ? this.shares[0] : undefined
    this.total = this.shares.reduce((sum, { weight }) => sum + weight, 0)
    this.first = first
  }

  /** Where a request begins: at the upstream of its cookie, else by weight; elsewhere if that upstream cannot take it. */
  draw(ex: Exchange, chain: Chain, random: Random): Share {
    const share = this.tied(ex) ?? at(this.shares, random.float() * this.total)
    if (this.first === undefined || canTake(share, ex, chain)) return share
    return this.instead(share, ex, chain) ?? share
  }

  /** Where a first attempt goes that `share` cannot take; undefined: nowhere. */
  instead(share: Share, ex: Exchange, chain: Chain): Share | undefined {
    if (this.first === undefined) return undefined
    const able = this.shares.filter((other) => other !== share && canTake(other, ex, chain))
    const other = this.first.instead(ex, share, able)
    if (other !== undefined) this.first.onMoved(ex, share, other)
    return other
  }

  /**
   * A look, which takes nothing: no attempt could begin now, at whichever upstream. One that is full may have room in a
   * moment, and counts as able; without any in service, an endpoint that is not gets the request, unless a policy refuses it.
   */
  isHopeless(ex: Exchange, chain: Chain): boolean {
    let refused = false
    let some = false
    for (const { upstreams } of this.shares) {
      for (const upstream of upstreams) {
        if (!passes(upstream.name, ex, chain)) refused = true
        else if (upstream.inService) return false
        else some ||= upstream.lastResort([]) !== undefined
      }
    }
    return refused || !some
  }

  private tied(ex: Exchange): Share | undefined {
    for (const share of this.shares) if (ownOf(share).ties(ex)) return share
    return undefined
  }
}

/** `point`: from 0 to the sum of their weights. */
function at(shares: readonly Share[], point: number): Share {
  let until = 0
  for (const share of shares) {
    until += share.weight
    if (point < until) return share
  }
  return shares.at(-1) as Share
}

function ownOf({ upstreams }: Share): Upstream {
  return upstreams[0] as Upstream
}

/** Takes nothing: whether it has a usable endpoint, and no policy would refuse any attempt there. */
function canTake(share: Share, ex: Exchange, chain: Chain): boolean {
  return ownOf(share).inService && passes(share.upstream, ex, chain)
}

/** No policy would refuse any attempt at an upstream. */
function passes(upstream: string, ex: Exchange, chain: Chain): boolean {
  for (const place of chain.hooks.usable) if (chain.policies[place]?.usable?.(ex, upstream) === false) return false
  return true
}
