import type { Finding } from '../../../core/lint.ts'
import type { PathPoliciesConfig } from '../../../core/path-policy.ts'
import type { LookUp } from '../../../data/routing/search.ts'
import type { RouteTable } from '../../../data/routing/table.ts'
import { isRefusedTarget, normaliseTarget } from '../../../data/routing/target.ts'
import type { Lint, LintContext } from '../contract.ts'
import { type MatchClaim, matchClaims, placeOfClaim } from './claims.ts'
import { requestsFor, tableOf } from './witness.ts'

export const pathAlwaysRefused: Lint = {
  name: 'path-always-refused',
  finds: 'A path with an empty segment or a semicolon for which `pathPolicy` lets no request through.',
  why: 'Servers that merge slashes or drop path parameters read another path, so requests for it get 400 `ambiguous_path`, or come as those of the merged path.',
  remedy:
    'Write the path without them. If no upstream merges slashes or drops parameters, set `pathPolicy.slashes` or `pathPolicy.parameters` to `keep`, for all or for one listener.',
  example: `upstreams:
  files:
    endpoints: [ http://10.0.0.1:8080 ]
routes:
  files:
    match: { path: /files//raw }
    to: files
`,
  better: `pathPolicy: { slashes: keep }
upstreams:
  files:
    endpoints: [ http://10.0.0.1:8080 ]
routes:
  files:
    match: { path: /files//raw }
    to: files
`,
  run(context) {
    const odd = context.routes.flatMap(matchClaims).filter(({ path }) => isOdd(path))
    if (odd.length === 0) return []
    const table = tableOf(context.routes)
    return odd.flatMap((claim): Finding[] => {
      const why = refusal(claim, table, context)
      return why === undefined ? [] : [{ path: placeOfClaim(claim, context), message: `never gets a request: ${why}` }]
    })
  },
}

function isOdd(path: MatchClaim['path']): boolean {
  if (path.kind === 'regex') return false
  const last = path.prefix ? -1 : path.segments.length - 1
  return path.segments.some((segment, i) => {
    return 'literal' in segment && ((segment.literal === '' && i !== last) || segment.literal.includes(';'))
  })
}

/** Why it gets no request on any listener; undefined: it gets some. */
function refusal(
  claim: MatchClaim,
  table: RouteTable<string>,
  { pathPolicies, root }: LintContext,
): string | undefined {
  const { listeners } = claim.conditions
  let why: string | undefined
  for (const listener of listeners.length === 0 ? root.listeners.keys() : listeners) {
    for (const request of requestsFor(claim)) {
      const told = judged({ ...request, listener }, claim.route.name, table, pathPolicies)
      if (told === undefined) return undefined
      why ??= told
    }
  }
  return why
}

function judged(
  request: LookUp,
  route: string,
  table: RouteTable<string>,
  policies: PathPoliciesConfig,
): string | undefined {
  const target = normaliseTarget(request.path, policies, request.listener)
  if (isRefusedTarget(target)) return `${request.path} is refused. ${target.detail}`
  const found = table.find({ ...request, path: target.path }, target.readings)
  if (found !== undefined && 'ambiguous' in found) return `${request.path} is refused. ${found.ambiguous}`
  if (found !== undefined && 'value' in found && found.value === route) return undefined
  return target.path === request.path ? undefined : `${request.path} is matched as ${target.path}`
}
