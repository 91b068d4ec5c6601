import { isHostName } from '../../../lib/address.ts'
import type { UpstreamOptions } from '../../language/upstream.ts'
import type { LintUpstream } from '../contract.ts'

/** How many endpoints an upstream has; undefined if unknown: a name stands for any number of addresses. */
export function endpointCount({ endpoints }: UpstreamOptions): number | undefined {
  if ('kind' in endpoints) return undefined
  return endpoints.every(({ url }) => !isHostName(url.host)) ? endpoints.length : undefined
}

/** The most attempts in flight that an upstream's own limits admit. */
export function mostAttempts({ mostInFlight, options }: LintUpstream): number {
  const { connections, endpoints } = options
  if ('kind' in endpoints || endpointCount(options) === undefined) return mostInFlight
  const sum = endpoints.reduce(
    (all, { maxConcurrent }) => all + Math.min(maxConcurrent ?? Infinity, connections.max),
    0,
  )
  return Math.min(mostInFlight, sum)
}
