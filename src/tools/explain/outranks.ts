import type { MatchConfig, RouteConfig } from '../../core/config.ts'
import type { LookUp } from '../../data/routing/search.ts'
import type { Probes } from './probes.ts'

/** What decides between two routes that both match; what the winner has, and the other. */
export interface Outranked {
  readonly wanted: string
  readonly seen: string
}

const EXACT = Number.POSITIVE_INFINITY

/** Why `winner` comes before `loser`, of which `match` holds: the first thing of the precedence in which they differ. */
export function outranks(
  winner: RouteConfig,
  loser: RouteConfig,
  match: MatchConfig,
  lookUp: LookUp,
  probes: Probes,
): Outranked {
  const who = `of ${winner.name}`
  if (winner.precedence !== loser.precedence)
    return { wanted: `precedence ${winner.precedence} ${who}`, seen: `precedence ${loser.precedence}` }
  const [mine, theirs] = [winner, loser].map((route) => bestHost(route, lookUp, probes)) as [string, string]
  if (hostRank(mine) !== hostRank(theirs)) return { wanted: `host ${mine} ${who}`, seen: `host ${theirs}` }
  const [path, other] = [pathText(winner.match, lookUp, probes), pathText([match], lookUp, probes)]
  if (path !== other) return { wanted: `path ${path} ${who}`, seen: `path ${other}` }
  return { wanted: `methods and conditions ${who}`, seen: 'fewer of them' }
}

function bestHost({ match }: RouteConfig, lookUp: LookUp, probes: Probes): string {
  const held = match.flatMap(({ hosts }) =>
    hosts.length === 0 ? ['any'] : hosts.filter((host) => probes.host(host, lookUp)),
  )
  return held.toSorted((a, b) => hostRank(b) - hostRank(a))[0] ?? 'any'
}

function hostRank(host: string): number {
  if (host === 'any') return 0
  return host.startsWith('*.') ? host.length : EXACT
}

function pathText(match: readonly MatchConfig[], lookUp: LookUp, probes: Probes): string {
  const held = match.flatMap(({ paths }) =>
    paths.length === 0 ? ['/*'] : paths.filter((path) => probes.path(path, lookUp)).map(({ source }) => source),
  )
  return held.join(' or ')
}
