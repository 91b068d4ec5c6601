import type { UpstreamConfig } from '../../src/core/config.ts'
import type { EndpointCells, UpstreamCells } from '../../src/core/protocol.ts'
import { upstreamUses } from '../../src/core/use.ts'
import type { FeatureDeps } from '../../src/data/engine/compile-features.ts'
import { UpstreamFeatures } from '../../src/data/engine/compile-parts.ts'
import type { UpstreamDeps } from '../../src/data/upstreams/upstream.ts'
import { FEATURES } from '../../src/features/index.ts'
import { ENDLESS } from '../../src/lib/lifetime.ts'
import { PLAIN } from './balancing.ts'
import type { TestCells } from './cells.ts'
import { leased } from './feature.ts'

/** An upstream without any feature. */
export const UPSTREAM: UpstreamConfig = {
  name: 'orders',
  endpoints: [],
  tls: { ca: undefined, cert: undefined, key: undefined, serverName: undefined, verify: true },
  algorithm: 'least-request',
  balancing: PLAIN,
  connections: { max: 5, maxWaiting: 3, keepAlive: 4000, ...ENDLESS },
  connectTimeout: 2000,
  source: undefined,
  features: {},
}

type Featured = Pick<UpstreamConfig, 'name' | 'features'>

/** Cells of an upstream with these features, out of those of a test. */
export function upstreamCells(cells: TestCells, config: Featured): UpstreamCells {
  const found = Array.from(upstreamUses(config, FEATURES), ([{ name, upstream }, use]) => {
    const tree = upstream?.cells?.(use)
    return [name, tree && leased(tree, cells)]
  })
  return { ...cells.upstream(), features: Object.fromEntries(found) }
}

/** The same of one of its endpoints. */
export function endpointCells(cells: TestCells, config: Featured): EndpointCells {
  const found = Array.from(upstreamUses(config, FEATURES), ([{ name, upstream }, use]) => {
    const tree = upstream?.endpointCells?.(use)
    return [name, tree && leased(tree, cells)]
  })
  return { ...cells.endpoint(), features: Object.fromEntries(found) }
}

/** What upstreams of a test make of their features. */
export function partsWith(deps: FeatureDeps): UpstreamDeps['parts'] {
  const features = new UpstreamFeatures(FEATURES)
  return (config, cells, before) => features.compile(config, cells, before, deps)
}
