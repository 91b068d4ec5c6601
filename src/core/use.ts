import type { RouteConfig, UpstreamConfig } from './config.ts'
import type { AnyFeature, Use } from './feature.ts'

/** A feature, and how it is used. */
export type FeatureUse = readonly [feature: AnyFeature, use: Use]

/**
 * Features that act on the requests of all routes: those with options at the root, and those that have no key at all.
 * `options`: of the root, by name.
 */
export function commonUses(options: Readonly<Record<string, unknown>>, features: readonly AnyFeature[]): FeatureUse[] {
  return features
    .filter(({ keys, name }) => Object.hasOwn(options, name) || Object.keys(keys).length === 0)
    .map((feature) => [feature, { at: 'root', name: '', options: options[feature.name], upstreams: [], reach: {} }])
}

/** What of a route its features are used with. */
export type UsedRoute = Pick<RouteConfig, 'name' | 'to' | 'alternates' | 'features' | 'reach'>

/** What of a config its features are used with. */
interface UsedConfig {
  readonly features: Readonly<Record<string, unknown>>
  readonly routes: readonly UsedRoute[]
  readonly upstreams: readonly Pick<UpstreamConfig, 'name' | 'features'>[]
}

/** A feature on a route that has it. */
export function routeUse(feature: string, { alternates, features, name, reach, to = [] }: UsedRoute): Use {
  return {
    at: 'route',
    name,
    options: features[feature],
    upstreams: [...new Set([...to.map(({ upstream }) => upstream), ...alternates])],
    reach: reach[feature] ?? {},
  }
}

/** The features that an upstream has. */
export function upstreamUses(
  { features: options, name }: Pick<UpstreamConfig, 'name' | 'features'>,
  features: readonly AnyFeature[],
): FeatureUse[] {
  return features
    .filter(({ keys, name }) => (keys.upstream ?? keys.loadBalancing) !== undefined && Object.hasOwn(options, name))
    .map((feature) => [feature, { at: 'upstream', name, options: options[feature.name], upstreams: [name], reach: {} }])
}

/** How a config uses a feature, at every level. */
export function usesIn({ features, routes, upstreams }: UsedConfig, feature: AnyFeature): Use[] {
  const { name } = feature
  const ofRoutes = routes.flatMap((route) => (Object.hasOwn(route.features, name) ? [routeUse(name, route)] : []))
  const others = [commonUses(features, [feature]), upstreams.flatMap((upstream) => upstreamUses(upstream, [feature]))]
  return [...others.flat().map(([, use]) => use), ...ofRoutes]
}
