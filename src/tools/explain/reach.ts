import type { LeanConfig, RouteConfig, UpstreamConfig } from '../../core/config.ts'
import { endpointText } from '../../lib/address.ts'
import type { Node, Position } from '../../schema/node.ts'
import { placeOf } from '../../schema/path.ts'

export interface ReachedEndpoint {
  /** `http://10.0.0.1:8080`, names as written. */
  readonly url: string
  readonly weight: number
  readonly tier: number
  readonly zone: string | undefined
  readonly maxConcurrent: number | undefined
}

/** An upstream that a request of the route may come to. */
export interface ReachedUpstream {
  readonly name: string
  /** `failover`: asked where those before it cannot be used. */
  readonly role: 'target' | 'failover'
  /** Part of the route's requests that go there first, 0 to 1. */
  readonly share: number
  readonly algorithm: string
  /** In the order of tiers. */
  readonly endpoints: readonly ReachedEndpoint[]
  /** Where its endpoints are found while the gateway runs; undefined: they are written down. */
  readonly discovered: string | undefined
  readonly at: Position
}

/** The upstreams of a route: those of `to`, then those of `failover`. */
export function reachedUpstreams(lean: LeanConfig, tree: Node, route: RouteConfig): readonly ReachedUpstream[] {
  const to = route.to ?? []
  const total = to.reduce((sum, { weight }) => sum + weight, 0)
  const one = (name: string, role: ReachedUpstream['role'], share: number): ReachedUpstream => {
    const upstream = lean.upstreams.find((candidate) => candidate.name === name) as UpstreamConfig
    return {
      name,
      role,
      share,
      algorithm: upstream.algorithm,
      endpoints: reachedEndpoints(upstream),
      discovered: upstream.source?.text,
      at: placeOf(tree, ['upstreams', name, 'endpoints']),
    }
  }
  return [
    ...to.map(({ upstream, weight }) => one(upstream, 'target', weight / total)),
    ...route.alternates.map((name) => one(name, 'failover', 0)),
  ]
}

export function reachedEndpoints({ endpoints }: UpstreamConfig): readonly ReachedEndpoint[] {
  return endpoints
    .map(({ scheme, host, port, weight, tier, zone, maxConcurrent }) => ({
      url: endpointText(scheme, host, port),
      weight,
      tier,
      zone,
      maxConcurrent,
    }))
    .toSorted((a, b) => a.tier - b.tier)
}
