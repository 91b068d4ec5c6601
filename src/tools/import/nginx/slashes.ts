import type { DraftRoute } from './draft-route.ts'
import { type Location, pathOf } from './locations.ts'
import type { Scope } from './scope.ts'

/**
 * A location that ends with a slash does not take its path without it; `/x/*` of Sluice does. nginx redirects there where
 * the location is proxied; else the path belongs to a shorter one, whose paths get it, or to none.
 */
export function slashRoutes(location: Location, all: readonly Location[], scope: Scope): readonly DraftRoute[] {
  const { directive: origin, kind, level, uri } = location
  const bare = uri.replace(/\/$/, '')
  if (kind !== 'prefix' || bare === '' || bare === uri) return []
  if (all.some((other) => other.kind !== 'regex' && other.uri === bare)) return []
  const top = Math.max(level, ...all.map((other) => (other.kind === 'regex' ? other.level + 1 : 0)))
  const route = { origin, uri: `${bare}-slash`, paths: [pathOf(bare)], level: top, like: undefined }
  if (scope.own.some(({ name }) => name === 'proxy_pass'))
    return [{ ...route, keys: { redirect: { path: pathOf(uri), status: 301 } } }]
  return bareRoutes(bare, all, origin, level)
}

/** What takes a path that a prefix above it would take in Sluice, and in nginx does not. */
export function bareRoutes(
  bare: string,
  all: readonly Location[],
  origin: DraftRoute['origin'],
  level: number,
): readonly DraftRoute[] {
  const owner = all
    .filter(({ kind, uri }) => (kind === 'prefix' && bare.startsWith(uri)) || (kind === 'exact' && bare === uri))
    .toSorted((a, b) => b.uri.length - a.uri.length)[0]
  const route = { origin, uri: `${bare}-bare`, paths: [pathOf(bare)], level }
  if (owner === undefined) return [{ ...route, keys: { respond: { status: 404 } }, like: undefined }]
  if (owner.level < level) return [{ ...route, keys: {}, like: owner }]
  const path = pathOf(bare)
  if (!owner.paths.includes(path)) owner.paths.push(path)
  return []
}
