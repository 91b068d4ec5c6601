import type { LeanConfig, MatchConfig, PathPattern, RouteConfig, ValueCondition } from '../../core/config.ts'
import type { AnyFeature } from '../../core/feature.ts'
import { type DrillFacts, drillFacts } from './facts.ts'

/** A route of a config that can be drilled, and a request that it matches. */
export interface DrillTarget {
  readonly route: string
  readonly upstream: string
  /** With query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly facts: DrillFacts
}

export interface Targets {
  readonly found: readonly DrillTarget[]
  /** Upstreams that no route leads to in a way that can be drilled. */
  readonly without: readonly string[]
}

/** One route per upstream: the first that leads to nothing else and takes a GET that can be generated. */
export function targetsOf(config: LeanConfig, features: readonly AnyFeature[]): Targets {
  const found: DrillTarget[] = []
  const without: string[] = []
  for (const { name } of config.upstreams) {
    const target = config.routes
      .map((route) => targetOf(config, features, route, name))
      .find((one) => one !== undefined)
    if (target === undefined) without.push(name)
    else found.push(target)
  }
  return { found, without }
}

function targetOf(
  config: LeanConfig,
  features: readonly AnyFeature[],
  route: RouteConfig,
  upstream: string,
): DrillTarget | undefined {
  if (route.to?.length !== 1 || route.to[0]?.upstream !== upstream || route.alternates.length > 0) return undefined
  const made = route.match.map(requestOf).find((request) => request !== undefined)
  return made && { route: route.name, upstream, ...made, facts: drillFacts(config, features, route.name, upstream) }
}

function requestOf({
  hosts,
  paths,
  methods,
  headers,
  query,
}: MatchConfig): Pick<DrillTarget, 'path' | 'headers'> | undefined {
  if (methods.length > 0 && !methods.includes('GET')) return undefined
  const path = paths.length === 0 ? '/' : paths.map(pathOf).find((one) => one !== undefined)
  const fields = valuesOf(headers)
  const search = valuesOf(query)
  if (path === undefined || fields === undefined || search === undefined) return undefined
  const host = hosts[0]?.replace(/^\*/, 'drill')
  return {
    path: search.length === 0 ? path : `${path}?${new URLSearchParams(search)}`,
    headers: { ...(host === undefined ? {} : { host }), ...Object.fromEntries(fields) },
  }
}

function pathOf(pattern: PathPattern): string | undefined {
  if (pattern.kind === 'regex') return undefined
  return `/${pattern.segments.map((segment) => ('literal' in segment ? segment.literal : 'drill')).join('/')}`
}

function valuesOf(conditions: readonly ValueCondition[]): [string, string][] | undefined {
  if (conditions.some(({ op }) => op === 'regex')) return undefined
  return conditions
    .filter(({ op }) => op !== 'absent')
    .map(({ name, op, value }) => [name, op === 'present' ? 'drill' : value])
}
