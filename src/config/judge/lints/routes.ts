import type { Finding } from '../../../core/lint.ts'
import type { LookUp } from '../../../data/routing/search.ts'
import type { RouteTable } from '../../../data/routing/table.ts'
import type { Lint, LintContext, LintRoute } from '../contract.ts'
import { type MatchClaim, matchClaims, placeOfClaim } from './claims.ts'
import { canMatchPath } from './samples.ts'
import { takesAll } from './takes-all.ts'
import { requestsFor, requestText, tableOf, winner } from './witness.ts'

export const routeNeverMatches: Lint = {
  name: 'route-never-matches',
  finds:
    'A route, or one of its paths, that gets no request, because another route takes all of them or because no path can match.',
  why: 'Its upstream, limits and policies never apply. The message shows a request that matches the route and that the gateway’s own table gives to another one.',
  remedy:
    'Give the route a higher precedence or the other one more conditions; of paths of one host, a regular expression comes after every other one, so it needs a higher precedence beside a path such as `/*`. Or remove it.',
  example: `upstreams:
  shop:
    endpoints: [ http://10.0.0.1:8080 ]
  search:
    endpoints: [ http://10.0.0.2:8080 ]
routes:
  shop:
    match: { host: shop.example.com }
    to: shop
  search:
    match: { host: shop.example.com, path: "~ ^/v[0-9]+/search$" }
    to: search
`,
  better: `upstreams:
  shop:
    endpoints: [ http://10.0.0.1:8080 ]
  search:
    endpoints: [ http://10.0.0.2:8080 ]
routes:
  shop:
    match: { host: shop.example.com }
    to: shop
  search:
    match: { host: shop.example.com, path: "~ ^/v[0-9]+/search$" }
    precedence: 10
    to: search
`,
  run(context) {
    const search = new HiddenSearch(context)
    return context.routes.flatMap((route) => search.in(route))
  },
}

/** About a second: routes behind very many regular expressions are checked in part. */
const MAX_STEPS = 1_000_000

function levelOf({ route, host }: MatchClaim): string {
  return `${route.options.precedence} ${host ?? ''}`
}

interface Hidden {
  readonly claim: MatchClaim
  readonly why: string
}

class HiddenSearch {
  private readonly context: LintContext
  private readonly byName: ReadonlyMap<string, LintRoute>
  private readonly highest: number
  /** Precedence and host of paths that take everything: regular expressions come after them. */
  private readonly catchAlls: ReadonlySet<string>
  private table: RouteTable<string> | undefined

  constructor(context: LintContext) {
    const { routes } = context
    this.context = context
    this.byName = new Map(routes.map((route) => [route.name, route]))
    this.highest = routes.reduce((most, { options }) => Math.max(most, options.precedence), Number.NEGATIVE_INFINITY)
    const isAll = ({ path }: MatchClaim): boolean =>
      path.kind === 'segments' && path.prefix && path.segments.length === 0
    this.catchAlls = new Set(routes.flatMap(matchClaims).filter(isAll).map(levelOf))
  }

  in(route: LintRoute): readonly Finding[] {
    const claims = matchClaims(route)
    const hidden = claims.flatMap((claim): Hidden[] => {
      const why = this.why(claim)
      return why === undefined ? [] : [{ claim, why }]
    })
    const [first] = hidden
    if (first === undefined) return []
    if (hidden.length === claims.length)
      return [{ path: ['routes', route.name], atKey: true, message: `never gets a request: ${first.why}` }]
    return hidden.map(({ claim, why }) => ({
      path: placeOfClaim(claim, this.context),
      message: `never gets a request${claim.host === undefined ? '' : ` of host ${claim.host}`}: ${why}`,
    }))
  }

  /** undefined: it gets requests, or that is unknown. */
  private why(claim: MatchClaim): string | undefined {
    if (claim.path.kind === 'regex' && !canMatchPath(claim.path.source))
      return 'the regular expression matches no path; paths begin with a slash, and contain no query, space or fragment'
    if (!this.canBeHidden(claim)) return undefined
    this.table ??= tableOf(this.context.routes)
    if (this.table.steps > MAX_STEPS) return undefined
    const alone = tableOf([claim.route])
    for (const request of requestsFor(claim)) {
      const name = winner(this.table, request)
      if (name === claim.route.name) return undefined
      const taker = name === undefined ? undefined : this.byName.get(name)
      if (taker === undefined || winner(alone, request) === undefined) continue
      if (matchClaims(taker).some((other) => takesAll(other, claim))) return this.told(claim, taker, request)
    }
    return undefined
  }

  /** Within one precedence nothing but a regular expression can be hidden as a whole. */
  private canBeHidden(claim: MatchClaim): boolean {
    if (claim.route.options.precedence < this.highest) return true
    return claim.path.kind === 'regex' && this.catchAlls.has(levelOf(claim))
  }

  private told(claim: MatchClaim, taker: LintRoute, request: LookUp): string {
    const isHigher = taker.options.precedence > claim.route.options.precedence
    const because = isHigher
      ? `its precedence is higher (${taker.options.precedence})`
      : 'regular expressions come after all other paths of a host'
    const place = this.context.place(['routes', taker.name], ['routes', claim.route.name])
    return `route ${taker.name} (${place}) takes all of them, because ${because}; such as ${requestText(request)}`
  }
}
