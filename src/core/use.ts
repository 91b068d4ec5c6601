import type { RouteConfig } from './config.ts'
import type { Use } from './feature.ts'

/** A feature for all routes. */
export function rootUse<O>(options: O): Use<O> {
  return { at: 'root', name: '', options, upstreams: [] }
}

/** A feature on a route. */
export function routeUse<O>(
  options: O,
  { failover, name, to = [] }: Pick<RouteConfig, 'name' | 'to' | 'failover'>,
): Use<O> {
  return { at: 'route', name, options, upstreams: [...new Set([...to.map(({ upstream }) => upstream), ...failover])] }
}
