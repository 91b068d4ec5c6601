import type { DraftRoute } from './import.ts'
import type { Location } from './locations.ts'
import type { Scope } from './scope.ts'

/**
 * A location that ends with a slash does not take its path without it; `/x/*` of Sluice does. nginx redirects there where
 * the location is proxied; else the path belongs to a shorter one, whose paths get it, or to nobody.
 */
export function slashRoutes(location: Location, all: readonly Location[], scope: Scope): readonly DraftRoute[] {
  const { directive: origin, kind, level, uri } = location
  const bare = uri.replace(/\/$/, '')
  if (kind !== 'prefix' || bare === '' || bare === uri) return []
  if (all.some((other) => other.kind !== 'regex' && other.uri === bare)) return []
  const top = Math.max(level, ...all.map((other) => (other.kind === 'regex' ? other.level + 1 : 0)))
  if (scope.own.some(({ name }) => name === 'proxy_pass'))
    return [
      {
        origin,
        uri: `${bare}-slash`,
        paths: [bare],
        level: top,
        keys: { redirect: { path: uri, status: 301 } },
        like: undefined,
      },
    ]
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
  if (owner === undefined)
    return [{ origin, uri: `${bare}-bare`, paths: [bare], level, keys: { respond: { status: 404 } }, like: undefined }]
  if (owner.level < level) return [{ origin, uri: `${bare}-bare`, paths: [bare], level, keys: {}, like: owner }]
  if (!owner.paths.includes(bare)) owner.paths.push(bare)
  return []
}
