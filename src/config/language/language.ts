import { type AnyFeature, algorithmsOf } from '../../core/feature.ts'
import { balancingKeys } from '../../data/upstreams/balancing-options.ts'
import { type Collection, collectionsOf } from '../../schema/collection.ts'
import { partial } from '../../schema/composites.ts'
import type { Schema } from '../../schema/schema.ts'
import { endpointsWith } from './endpoints.ts'
import { type FeaturedSchema, withFeatures } from './features.ts'
import { type Include, includeOptions } from './include.ts'
import { listenerKeys } from './listener.ts'
import { type RootOptions, rootKeys } from './root.ts'
import { profileKeys, type RouteOptions, routeKeys } from './route.ts'
import { UPSTREAMS, type UpstreamOptions, upstreamKeysWith } from './upstream.ts'

/** The language of config files: what may be written, and what it means. */
export interface Language {
  readonly features: readonly AnyFeature[]
  /** A whole file. */
  readonly root: FeaturedSchema<RootOptions>
  readonly include: Schema<readonly Include[]>
  readonly upstream: FeaturedSchema<UpstreamOptions>
  readonly route: FeaturedSchema<RouteOptions>
  readonly collections: readonly Collection[]
  /** Keys of a route whose value is replaced as a whole, never merged. */
  readonly whole: ReadonlySet<string>
}

/** The language with the keys of some features, in the order in which they are told. */
export function language(features: readonly AnyFeature[]): Language {
  const listener = withFeatures(listenerKeys, features, 'listener')
  const balancing = withFeatures(balancingKeys([...algorithmsOf(features).values()]), features, 'loadBalancing')
  const sources = features.flatMap(({ provides }) => provides?.sources ?? [])
  const upstream = withFeatures(upstreamKeysWith(endpointsWith(sources), balancing), features, 'upstream')
  const route = withFeatures(routeKeys, features, 'route')
  const profile = withFeatures(profileKeys, features, 'route')
  const include = includeOptions([{ key: 'upstreams', ...UPSTREAMS }, ...featureCollections(features)])
  const root = withFeatures(
    rootKeys({ include, listener, underUpstream: partial(upstream), upstream, profile, route }),
    features,
    'root',
  )
  const answers = features.flatMap(({ answers, name }) => (answers === true ? [name] : []))
  return {
    features,
    root,
    include,
    upstream,
    route,
    collections: collectionsOf(root),
    whole: new Set(['to', 'match', ...answers]),
  }
}

/** Root collections of features. */
function featureCollections(features: readonly AnyFeature[]): readonly Collection[] {
  return features.flatMap(({ keys, name }) => {
    const rules = keys.root?.collection
    return rules === undefined ? [] : [{ key: name, ...rules }]
  })
}
