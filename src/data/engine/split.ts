import type { WeightedUpstream } from '../../core/config.ts'
import type { Exchange } from '../../core/exchange.ts'
import { fractionOf } from '../../lib/hash.ts'
import type { Random } from '../../lib/random.ts'
import type { Upstream } from '../upstreams/upstream.ts'
import type { Chain } from './chain.ts'

/** The part of a route's requests that begins at one of its upstreams. */
export interface Share {
  readonly first: Upstream
  /** The upstream, then its failover upstreams. */
  readonly upstreams: readonly Upstream[]
  readonly weight: number
}

/** A smaller share never takes the requests of a larger one: they would flood it. */
const LEAST_RATIO = 4

/** The upstreams over which the requests of a route are spread. Compiled once. */
export class Split {
  readonly shares: readonly Share[]
  private readonly total: number
  private readonly spills: boolean

  constructor(
    to: readonly WeightedUpstream[],
    failover: readonly string[],
    spills: boolean,
    upstream: (name: string) => Upstream,
  ) {
    const others = failover.map(upstream)
    this.shares = to.map((target) => {
      const first = upstream(target.upstream)
      return { first, upstreams: [first, ...others.filter((other) => other !== first)], weight: target.weight }
    })
    this.total = this.shares.reduce((sum, { weight }) => sum + weight, 0)
    this.spills = spills
  }

  /**
   * Where a request begins: at the upstream of its cookie, else by weight; elsewhere if that upstream cannot take it, see
   * `instead`.
   */
  draw(ex: Exchange, chain: Chain, random: Random): Share {
    if (this.shares.length === 1) return this.shares[0] as Share
    const share = this.tied(ex) ?? at(this.shares, random.float() * this.total)
    if (!this.spills || canTake(share, ex, chain)) return share
    return this.instead(share, ex, chain) ?? share
  }

  /**
   * Where a first attempt goes that `share` cannot take: by weight to the others that can, of at least a quarter of its
   * weight. undefined: nowhere. The same for the same request ID.
   */
  instead(share: Share, ex: Exchange, chain: Chain): Share | undefined {
    if (!this.spills) return undefined
    const able = this.shares.filter(
      (other) => other !== share && other.weight * LEAST_RATIO >= share.weight && canTake(other, ex, chain),
    )
    if (able.length === 0) return undefined
    const total = able.reduce((sum, { weight }) => sum + weight, 0)
    const other = at(able, fractionOf(ex.requestId, 0) * total)
    ex.route?.record?.spilled(share.first.name, other.first.name)
    return other
  }

  private tied(ex: Exchange): Share | undefined {
    for (const share of this.shares) if (share.first.ties(ex)) return share
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

/** Takes nothing: whether it has a usable endpoint, and no policy would refuse any attempt there. */
function canTake({ first }: Share, ex: Exchange, chain: Chain): boolean {
  if (!first.inService) return false
  for (const place of chain.hooks.usable) if (chain.policies[place]?.usable?.(ex, first.name) === false) return false
  return true
}
