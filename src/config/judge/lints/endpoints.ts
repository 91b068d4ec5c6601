import { isIP } from 'node:net'
import { bulkhead } from '../../../features/bulkhead/feature.ts'
import type { UpstreamOptions } from '../../language/upstream.ts'

/** How many endpoints an upstream has; undefined if unknown: a name stands for any number of addresses. */
export function endpointCount({ endpoints }: UpstreamOptions): number | undefined {
  if ('kind' in endpoints) return undefined
  return endpoints.every(({ url }) => isIP(url.host) !== 0) ? endpoints.length : undefined
}

/** The most attempts in flight that an upstream's own limits admit. */
export function mostAttempts(options: UpstreamOptions): number {
  const { connections, endpoints, features } = options
  const own = features.of(bulkhead)?.maxConcurrent ?? Number.POSITIVE_INFINITY
  if ('kind' in endpoints || endpointCount(options) === undefined) return own
  const sum = endpoints.reduce(
    (all, { maxConcurrent }) => all + Math.min(maxConcurrent ?? Infinity, connections.max),
    0,
  )
  return Math.min(own, sum)
}
