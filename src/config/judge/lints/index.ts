import type { AnyFeature } from '../../../core/feature.ts'
import type { Lint } from '../contract.ts'
import { routesOverlap } from './overlaps.ts'
import { pathAlwaysRefused } from './refused-paths.ts'
import { routeNeverMatches } from './routes.ts'
import { plainTextSecret } from './secrets.ts'
import { unusedProfile, unusedUpstream } from './unused.ts'
import { tlsNotVerified } from './upstreams.ts'

/** Every lint, those of some features among them, in the order of the docs. */
export async function lintsOf(features: readonly AnyFeature[]): Promise<readonly Lint[]> {
  const own = await Promise.all(features.map((feature) => feature.lints?.()))
  return [
    routeNeverMatches,
    routesOverlap,
    pathAlwaysRefused,
    unusedUpstream,
    unusedProfile,
    ...own.flatMap((loaded) => loaded?.lints ?? []),
    tlsNotVerified,
    plainTextSecret,
  ]
}

/** What is said about the comments that silence lints. Nothing silences it. */
export const BAD_IGNORE: Omit<Lint, 'run'> = {
  name: 'bad-ignore',
  finds: 'A comment `# sluice-ignore` that names no lint, gives no reason, or silences nothing.',
  why: 'A comment that outlives its purpose would hide the next mistake at the same place, and one without a reason does not tell whether it still holds.',
  remedy:
    'Write the name of a lint, a colon and the reason, on the line or above the key that it is about; remove it if it silences nothing.',
  example: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080 ]
routes:
  orders:
    match: { path: /orders/* }
    to: orders
    timeouts: { request: off, total: 10m } # sluice-ignore unbounded-wait: clients wait
`,
  better: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080 ]
routes:
  orders:
    match: { path: /orders/* }
    to: orders
    timeouts: { request: off } # sluice-ignore unbounded-wait: clients end it themselves after a minute
`,
}
