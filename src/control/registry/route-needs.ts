import type { RouteConfig } from '../../core/config.ts'
import type { BulkheadOptions } from '../../features/bulkhead/feature.ts'
import type { CircuitBreakerOptions } from '../../features/circuit-breaker/feature.ts'
import type { RouteNeeds } from './lease.ts'

/** The cells that the policies of a route need. */
export function routeNeeds(route: RouteConfig): RouteNeeds {
  const options = route.policies.bulkhead as BulkheadOptions | undefined
  return {
    breakers: breakerWindows(route),
    bulkhead: options && bulkheadNeeds(options),
    streams: route.policies.streams !== undefined,
  }
}

function bulkheadNeeds({ adaptive, queue }: BulkheadOptions): RouteNeeds['bulkhead'] {
  return { queue: queue !== undefined, adaptive: adaptive !== undefined }
}

/** The window of each upstream's breaker, milliseconds; none where the route has no breaker. */
function breakerWindows({ failover, policies, to = [] }: RouteConfig): ReadonlyMap<string, number> {
  const options = policies.circuitBreaker as CircuitBreakerOptions | undefined
  if (options === undefined) return new Map()
  const upstreams = [...to.map(({ upstream }) => upstream), ...failover]
  return new Map(upstreams.map((upstream) => [upstream, options.window]))
}
