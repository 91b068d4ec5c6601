import type { MatchConfig, PathPattern } from '../../../core/config.ts'
import type { Path } from '../../../schema/path.ts'
import type { LintContext, LintRoute } from '../contract.ts'

/** One host and one path of one match of a route: routes are compared by these. */
export interface MatchClaim {
  readonly route: LintRoute
  /** Place of the match in the route's list. */
  readonly match: number
  readonly conditions: MatchConfig
  /** undefined: any. */
  readonly host: string | undefined
  readonly path: PathPattern
  /** Place of the path in the match's list; undefined: it names none. */
  readonly place: number | undefined
}

const ANY: readonly [undefined] = [undefined]
const ANY_PATH: PathPattern = { kind: 'segments', source: '/*', segments: [], prefix: true }

export function matchClaims(route: LintRoute): readonly MatchClaim[] {
  return route.options.match.flatMap((conditions, match) => {
    const { hosts, paths } = conditions
    return (hosts.length === 0 ? ANY : hosts).flatMap((host) =>
      (paths.length === 0 ? ANY : paths).map((path, i) => ({
        route,
        match,
        conditions,
        host,
        path: path ?? ANY_PATH,
        place: path === undefined ? undefined : i,
      })),
    )
  })
}

/** Where a claim's path stands; where it names none, the match. */
export function placeOfClaim({ route, match, place }: MatchClaim, { node }: LintContext): Path {
  const all: Path = ['routes', route.name, 'match']
  const at = node(all)?.kind === 'list' ? [...all, match] : all
  if (place === undefined) return at
  if (node([...at, 'path']) !== undefined) return [...at, 'path']
  const paths = [...at, 'paths']
  return node(paths)?.kind === 'list' ? [...paths, place] : paths
}
