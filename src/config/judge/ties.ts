import type { MatchConfig, PathPattern, ValueCondition } from '../../core/config.ts'

/** Two routes between which no rule of precedence decides. */
export interface Tie {
  readonly first: string
  readonly second: string
  readonly why: string
}

interface Claim {
  readonly route: string
  readonly match: MatchConfig
  readonly where: string
}

interface Routed {
  readonly match: readonly MatchConfig[]
  readonly precedence: number
}

const ANY: readonly [undefined] = [undefined]

/**
 * Finds routes that tie: same precedence, same host, same shape of path, methods and listeners that overlap and are equally
 * specific, and as many conditions, of which no two exclude each other.
 */
export function findTies(routes: ReadonlyMap<string, Routed>): readonly Tie[] {
  const claims = new Map<string, Claim[]>()
  const ties: Tie[] = []
  const told = new Set<string>()
  for (const [route, { match: matches, precedence }] of routes) {
    for (const match of matches) {
      for (const claim of claimsOf(route, match)) {
        const key = `${precedence} ${claim.where}`
        const others = claims.get(key)
        if (others === undefined) {
          claims.set(key, [claim])
          continue
        }
        const other = others.find((candidate) => candidate.route !== route && tied(candidate.match, match))
        if (other !== undefined && !told.has(`${other.route} ${route}`)) {
          told.add(`${other.route} ${route}`)
          ties.push({ first: other.route, second: route, why: `both take ${claim.where}` })
        }
        others.push(claim)
      }
    }
  }
  return ties
}

function claimsOf(route: string, match: MatchConfig): readonly Claim[] {
  const hosts = match.hosts.length === 0 ? ANY : match.hosts
  const paths = match.paths.length === 0 ? ANY : match.paths
  return hosts.flatMap((host) =>
    paths.map((path) => ({
      route,
      match,
      where: `${path === undefined ? 'any path' : shape(path)} on ${host ?? 'any host'}`,
    })),
  )
}

/** A path without the names of its parameters. */
function shape(path: PathPattern): string {
  if (path.kind === 'regex') return `~ ${path.source}`
  const segments = path.segments.map((segment) => ('param' in segment ? '/{}' : `/${segment.literal}`))
  if (path.prefix && segments.length === 0) return 'any path'
  return `${segments.join('') || '/'}${path.prefix ? '/*' : ''}`
}

function tied(a: MatchConfig, b: MatchConfig): boolean {
  if ((a.methods.length === 0) !== (b.methods.length === 0)) return false
  if (a.methods.length > 0 && !a.methods.some((method) => b.methods.includes(method))) return false
  if ((a.listeners.length === 0) !== (b.listeners.length === 0)) return false
  if (a.listeners.length > 0 && !a.listeners.some((listener) => b.listeners.includes(listener))) return false
  const conditions = (match: MatchConfig): number => match.headers.length + match.query.length
  return conditions(a) === conditions(b) && !exclude(a.headers, b.headers) && !exclude(a.query, b.query)
}

/** Some condition of one cannot hold together with one of the other. */
function exclude(a: readonly ValueCondition[], b: readonly ValueCondition[]): boolean {
  return a.some((one) => b.some((other) => one.name === other.name && contradict(one, other)))
}

function contradict(a: ValueCondition, b: ValueCondition): boolean {
  if ((a.op === 'absent') !== (b.op === 'absent')) return true
  return a.op === 'exact' && b.op === 'exact' && a.value !== b.value
}
