import type { Finding } from '../../../core/lint.ts'
import type { LookUp } from '../../../data/routing/search.ts'
import type { RouteTable } from '../../../data/routing/table.ts'
import { LinearRegex } from '../../../lib/regex.ts'
import type { Lint, LintContext } from '../contract.ts'
import { type MatchClaim, matchClaims, placeOfClaim } from './claims.ts'
import { canMeet } from './samples.ts'
import { requestsForBoth, requestText, tableOf, winner } from './witness.ts'

/** About a second: files with many hundreds of regular expressions of one rank are checked in part. */
const MAX_STEPS = 3_000_000

export const routesOverlap: Lint = {
  name: 'routes-overlap',
  finds:
    'Two routes with regular expressions that both match some request, where no rule of precedence decides between them.',
  why: 'Such a request goes to the route whose name comes first in the alphabet: renaming a route would move it. The message shows such a request, checked against the gateway’s own table. (Other routes that tie are errors.)',
  remedy: 'Give one of them a precedence or another condition, or make the regular expressions exclude each other.',
  example: `upstreams:
  api:
    endpoints: [ http://10.0.0.1:8080 ]
routes:
  images:
    match: { path: "~ ^/files/.*[.]png$" }
    to: api
  versions:
    match: { path: "~ ^/files/v[0-9]+/.*$" }
    to: api
`,
  better: `upstreams:
  api:
    endpoints: [ http://10.0.0.1:8080 ]
routes:
  images:
    match: { path: "~ ^/files/.*[.]png$" }
    precedence: 1
    to: api
  versions:
    match: { path: "~ ^/files/v[0-9]+/.*$" }
    to: api
`,
  run(context) {
    const claims = context.routes.flatMap(matchClaims).filter(({ path }) => path.kind === 'regex')
    const regexes = new Map(claims.map(({ path }) => [path.source, new LinearRegex(path.source)]))
    if (claims.length < 2) return []
    const table = tableOf(context.routes)
    const found: Finding[] = []
    const told = new Set<string>()
    const budget = { steps: MAX_STEPS }
    for (const equals of Map.groupBy(claims, rank).values()) {
      for (const [i, second] of equals.entries()) {
        for (const first of equals.slice(0, i)) {
          const key = `${first.route.name} ${second.route.name}`
          if (first.route === second.route || told.has(key)) continue
          const [one, two] = [regexes.get(first.path.source), regexes.get(second.path.source)]
          if (one === undefined || two === undefined || !canMeet(one, two, budget)) continue
          const request = meeting(first, second, table)
          if (request === undefined) continue
          told.add(key)
          found.push(finding(first, second, request, winner(table, request) as string, context))
        }
      }
    }
    return found
  },
}

/** Claims of equal rank differ only in the names of their routes. */
function rank({ route, host, conditions: { headers, listeners, methods, query } }: MatchClaim): string {
  return `${route.options.precedence} ${host ?? ''} ${methods.length === 0} ${listeners.length === 0} ${headers.length + query.length}`
}

/** A request that matches both and goes to one of them. */
function meeting(a: MatchClaim, b: MatchClaim, table: RouteTable<string>): LookUp | undefined {
  const [onlyA, onlyB] = [tableOf([a.route]), tableOf([b.route])]
  for (const request of requestsForBoth(a, b)) {
    if (winner(onlyA, request) === undefined || winner(onlyB, request) === undefined) continue
    const name = winner(table, request)
    if (name === a.route.name || name === b.route.name) return request
  }
  return undefined
}

function finding(a: MatchClaim, b: MatchClaim, request: LookUp, name: string, context: LintContext): Finding {
  const [wins, loses] = name === a.route.name ? [a, b] : [b, a]
  const place = context.place(['routes', wins.route.name], ['routes', loses.route.name])
  return {
    path: placeOfClaim(loses, context),
    message: `overlaps with route ${wins.route.name} (${place}), and only their names decide: ${requestText(request)} goes there; give one of them a precedence`,
  }
}
