import type { RouteConfig } from './config.ts'
import type { Use } from './feature.ts'

/** A feature for all routes. */
export function rootUse<O>(options: O): Use<O> {
  return { at: 'root', name: '', options, upstreams: [], reach: {} }
}

/** What of a route its features are used with. */
export type UsedRoute = Pick<RouteConfig, 'name' | 'to' | 'alternates' | 'features' | 'reach'>

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

/** A feature at an upstream. */
export function upstreamUse<O>(options: O, upstream: string): Use<O> {
  return { at: 'upstream', name: upstream, options, upstreams: [upstream], reach: {} }
}
