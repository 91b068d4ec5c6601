import type { OlderVersion } from './contract.ts'
import { leastRequest } from './least-request.ts'
import { routeMatch } from './route-match.ts'
import { routeNames } from './route-names.ts'
import { timeoutMs } from './timeout-ms.ts'
import { upstreams } from './upstreams.ts'

/** The version that this Sluice speaks. */
export const CURRENT_VERSION = 'sluice/v1'

/** Oldest first. Each one's migrations, in their order, lead to the next. */
export const OLDER_VERSIONS: readonly OlderVersion[] = [
  { name: 'sluice/v1alpha1', migrations: [upstreams, routeNames, routeMatch, timeoutMs, leastRequest] },
]
