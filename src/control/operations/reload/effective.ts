import { BadCommand, NotFound, readQuery } from '../../../core/command.ts'
import type { ReadCall } from '../../../core/operation.ts'
import { object, optional } from '../../../schema/composites.ts'
import { keyOf } from '../../../schema/path.ts'
import { text } from '../../../schema/scalars.ts'
import type { WrittenConfig } from '../../../tools/explain/model.ts'
import { actingPolicies } from '../../../tools/explain/policies.ts'
import { upstreamValues } from '../../../tools/explain/upstream-values.ts'

/** What {@link effectiveValues} reads. */
export const EFFECTIVE_QUERY = object({
  route: optional(text('the name of a route'), 'Which route.'),
  upstream: optional(text('the name of an upstream'), 'Or which upstream.'),
})

/**
 * `GET /api/v1/config/effective?route=R` or `?upstream=U`: every value of a config that holds for it, and where it comes
 * from. Throws {@link BadCommand} or {@link NotFound}.
 */
export function effectiveValues(live: WrittenConfig, query: ReadCall['query']): object {
  const { route, upstream } = readQuery(EFFECTIVE_QUERY, query)
  if (route !== undefined && upstream === undefined) return ofRoute(live, route)
  if (upstream !== undefined && route === undefined) return ofUpstream(live, upstream)
  throw new BadCommand('name a route or an upstream')
}

function ofRoute(written: WrittenConfig, name: string): object {
  const { config, tree } = written
  const route = config.lean.routes.find((known) => known.name === name)
  if (route === undefined) throw new NotFound(`the live config has no route ${JSON.stringify(name)}`)
  return {
    route: name,
    hash: config.hash,
    at: keyOf(tree, ['routes', name]),
    upstreams: route.to?.map(({ upstream, weight }) => ({ upstream, weight })) ?? [],
    failover: route.alternates,
    policies: actingPolicies(written, route),
  }
}

function ofUpstream(written: WrittenConfig, name: string): object {
  const { config, tree } = written
  if (!config.lean.upstreams.some((known) => known.name === name))
    throw new NotFound(`the live config has no upstream ${JSON.stringify(name)}`)
  const at = keyOf(tree, ['upstreams', name])
  return { upstream: name, hash: config.hash, at, keys: upstreamValues(written, name) }
}
