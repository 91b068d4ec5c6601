import type { Lint } from '../contract.ts'
import { breakerNeverOpens, breakerWindowShort } from './breaker.ts'
import { fallbackNeverUsed } from './fallback.ts'
import { hedgeNeverHappens } from './hedge.ts'
import { limitNeverReached } from './limits.ts'
import { ejectionImpossible } from './outliers.ts'
import { routesOverlap } from './overlaps.ts'
import { retriesWithoutBudget, timeoutNeverRetried, triesExceedRequest } from './retries.ts'
import { routeNeverMatches } from './routes.ts'
import { plainTextSecret } from './secrets.ts'
import { drainTooShort, timeoutNeverReached, unboundedWait } from './timeouts.ts'
import { unusedProfile, unusedUpstream } from './unused.ts'
import { healthCheckOverlaps, tlsNotVerified, zoneWithoutEndpoint } from './upstreams.ts'

/** Every lint, in the order of the docs. */
export const LINTS: readonly Lint[] = [
  routeNeverMatches,
  routesOverlap,
  unusedUpstream,
  unusedProfile,
  timeoutNeverReached,
  unboundedWait,
  drainTooShort,
  triesExceedRequest,
  timeoutNeverRetried,
  retriesWithoutBudget,
  hedgeNeverHappens,
  fallbackNeverUsed,
  limitNeverReached,
  breakerNeverOpens,
  breakerWindowShort,
  ejectionImpossible,
  healthCheckOverlaps,
  zoneWithoutEndpoint,
  tlsNotVerified,
  plainTextSecret,
]

/** What is said about the comments that silence lints. Nothing silences it. */
export const BAD_IGNORE = {
  name: 'bad-ignore',
  finds: 'A comment `# sluice-ignore` that names no lint, gives no reason, or silences nothing.',
} as const
