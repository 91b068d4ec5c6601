import type { EncodedSlashes, PathPolicyConfig } from '../../core/path-policy.ts'
import { type Reading, Way } from '../../core/reading.ts'
import { decodeOverlong, mergeLeadingSlashes, mergeSlashes, withoutParameters } from '../../lib/path.ts'

/** Readings that are considered, the path as written among them: each costs a look-up. */
const MOST = 8

interface Transformation {
  readonly way: number
  /** Only a path that contains this is read otherwise. */
  readonly sign: string
  read(path: string): string
}

const replacing = (way: number, sign: string, by: string): Transformation => ({
  way,
  sign,
  read: (path) => path.replaceAll(sign, by),
})

const TRANSFORMATIONS: readonly Transformation[] = [
  // Python's http.server and waitress merge slashes at the start only; WHATWG's URL parser finds a host there.
  { way: Way.merged, sign: '//', read: mergeSlashes },
  { way: Way.merged, sign: '//', read: mergeLeadingSlashes },
  { way: Way.authority, sign: '//', read: behindAuthority },
  { way: Way.bare, sign: ';', read: withoutParameters },
  replacing(Way.slash, '%2F', '/'),
  replacing(Way.backslash, '%5C', '/'),
  replacing(Way.backslash, '\\', '/'),
  { way: Way.nul, sign: '%00', read: (path) => path.slice(0, path.indexOf('%00')) },
  replacing(Way.nul, '%00', ''),
  { way: Way.overlong, sign: '%', read: decodeOverlong },
]

/**
 * The other ways in which an upstream may read a path in normal form: all combinations, in any order, of those that the
 * policy does not keep. Undefined: none. `too many`: more than 7.
 */
export function readings(path: string, policy: PathPolicyConfig): readonly Reading[] | 'too many' | undefined {
  const kept =
    (policy.slashes === 'keep' ? Way.merged | Way.authority : 0) | (policy.parameters === 'keep' ? Way.bare : 0)
  const found: Reading[] = [{ path, ways: 0 }]
  // First without escaped slashes, so that a route that keeps them excuses nothing that can also be read without them.
  if (!extend(found, kept | Way.slash)) return 'too many'
  if (path.includes('%2F') && !extend(found, kept)) return 'too many'
  return found.length === 1 ? undefined : found.slice(1)
}

/** Those that count on a route. Undefined: none. */
export function countingReadings(all: readonly Reading[], slashes: EncodedSlashes): readonly Reading[] | undefined {
  if (slashes !== 'keep') return all
  const counting = all.filter(({ ways }) => (ways & Way.slash) === 0)
  return counting.length === 0 ? undefined : counting
}

/** Adds what the ways that are not `off` make of the readings so far. False: there are too many. */
function extend(found: Reading[], off: number): boolean {
  for (let i = 0; i < found.length; i++) {
    const { path, ways } = found[i] as Reading
    for (const { read, sign, way } of TRANSFORMATIONS) {
      if ((way & off) !== 0 || !path.includes(sign)) continue
      // No server finds two hosts in one path.
      if (way === Way.authority && (ways & way) !== 0) continue
      const other = read(path)
      if (other === path || found.some((known) => known.path === other)) continue
      if (found.length === MOST) return false
      found.push({ path: other, ways: ways | way })
    }
  }
  return true
}

function behindAuthority(path: string): string {
  if (!path.startsWith('//')) return path
  const slash = path.indexOf('/', path.length - mergeLeadingSlashes(path).length + 1)
  return slash === -1 ? '/' : path.slice(slash)
}
