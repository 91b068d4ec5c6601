import { fallback } from '../../features/fallback/feature.ts'
import type { Marked } from '../../schema/walk.ts'
import type { RouteOptions } from '../language/route.ts'

type Routes = ReadonlyMap<string, RouteOptions>

/** What is wrong with the route that another route falls back to. */
export interface BadFallback {
  readonly route: string
  readonly why: string
}

/** Routes that fall back to each other in a circle, or to one that needs parameters of its own path. */
export function badFallbacks(routes: Routes, marked: readonly Marked[]): readonly BadFallback[] {
  const found: BadFallback[] = []
  const needing = needingParameters(marked)
  for (const route of routes.keys()) {
    const next = fallbackOf(routes, route)
    if (next === undefined) continue
    const circle = circleFrom(routes, route)
    if (circle !== undefined) found.push({ route, why: `falls back to itself: ${circle.join(' → ')}` })
    else if (needing.has(next))
      found.push({ route, why: `route ${next} uses parameters of its path, which this one does not have` })
  }
  return found
}

function circleFrom(routes: Routes, start: string): readonly string[] | undefined {
  const seen = [start]
  for (let at = fallbackOf(routes, start); at !== undefined; at = fallbackOf(routes, at)) {
    seen.push(at)
    if (at === start) return seen
    // A circle further on is reported where it begins.
    if (seen.indexOf(at) < seen.length - 1) return undefined
  }
  return undefined
}

/** undefined: none, or not a route. */
function fallbackOf(routes: Routes, name: string): string | undefined {
  const route = routes.get(name)?.features.of(fallback)?.route
  return route !== undefined && routes.has(route) ? route : undefined
}

/** Routes with a template that names parameters of their path. */
function needingParameters(marked: readonly Marked[]): ReadonlySet<string> {
  const names = marked.flatMap(({ mark, node, path }) => {
    const needs = mark.is === 'template' && node.kind === 'scalar' && mark.params(node.text).length > 0
    return needs && path[0] === 'routes' ? [String(path[1])] : []
  })
  return new Set(names)
}
