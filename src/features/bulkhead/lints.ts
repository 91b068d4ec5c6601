import type { Lint, LintRoute, LintUpstream } from '../../config/judge/contract.ts'
import { endpointCount } from '../../config/judge/lints/endpoints.ts'
import type { Finding } from '../../core/lint.ts'
import type { Path } from '../../schema/path.ts'
import { durationText } from '../../schema/scalars.ts'
import { bulkhead } from './feature.ts'

const limitNeverReached: Lint = {
  name: 'limit-never-reached',
  finds: 'A limit that cannot be reached, because a smaller one is met before.',
  why: 'The limit suggests a bound that never acts: under load another limit refuses requests, with another reason, at another number.',
  remedy: 'Lower it below the other limit, raise the other one, or leave one of them out.',
  example: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080 ]
    bulkhead: { maxConcurrent: 50 }
routes:
  orders:
    match: { path: /orders/* }
    to: orders
    bulkhead: { maxConcurrent: 200 }
`,
  better: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080 ]
    bulkhead: { maxConcurrent: 50 }
routes:
  orders:
    match: { path: /orders/* }
    to: orders
    bulkhead: { maxConcurrent: 40 }
`,
  run: ({ upstreams, routes, root, written }) =>
    [
      ...upstreams.flatMap(inUpstream),
      ...routes.flatMap((route) => inRoute(route, (name) => root.upstreams.get(name))),
    ].filter(({ path }) => written(path)),
}

function inUpstream({ name, options }: LintUpstream): readonly Finding[] {
  const { connections, endpoints, features } = options
  const limit = features.of(bulkhead)
  const at = ['upstreams', name]
  const found: Finding[] = []
  const count = endpointCount(options)
  if (limit !== undefined && count !== undefined && limit.maxConcurrent > count * connections.max)
    found.push({
      path: [...at, 'bulkhead', 'maxConcurrent'],
      message: `is never reached: connections.max admits ${count * connections.max} attempts at a time`,
    })
  for (const [i, { maxConcurrent }] of 'kind' in endpoints ? [] : endpoints.entries()) {
    if (maxConcurrent !== undefined && maxConcurrent > connections.max)
      found.push({
        path: [...at, 'endpoints', i, 'maxConcurrent'],
        message: `is never reached: connections.max is ${connections.max}`,
      })
  }
  return found
}

function inRoute(
  { name, options, plan, upstreams }: LintRoute,
  upstream: (name: string) => LintUpstream['options'] | undefined,
): readonly Finding[] {
  const { features, to } = options
  const limit = features.of(bulkhead)
  if (limit === undefined || to === undefined) return []
  const at: Path = ['routes', name, 'bulkhead']
  const found: Finding[] = []
  const [only, ...others] = to
  const target = only === undefined || others.length > 0 ? undefined : upstream(only.upstream)
  const above = target?.features.of(bulkhead)?.maxConcurrent
  const sum = target === undefined ? undefined : endpointSum(target)
  if (above !== undefined && limit.maxConcurrent > above)
    found.push({
      path: [...at, 'maxConcurrent'],
      message: `is never reached: upstreams.${only?.upstream}.bulkhead.maxConcurrent is ${above}`,
    })
  else if (sum !== undefined && limit.maxConcurrent > sum && upstreams.length === 1)
    found.push({
      path: [...at, 'maxConcurrent'],
      message: `is never reached: the endpoints of ${only?.upstream} take ${sum} requests together (maxConcurrent)`,
    })
  const wait = limit.queue?.maxWait
  const request = plan.limit?.request
  if (wait !== undefined && request !== undefined && wait > request)
    found.push({
      path: [...at, 'queue', 'maxWait'],
      message: `is longer than timeouts.request (${durationText(request)}), which ends the request before it`,
    })
  if (limit.adaptive !== undefined && limit.adaptive.max > limit.maxConcurrent)
    found.push({
      path: [...at, 'adaptive', 'max'],
      message: `is never reached: maxConcurrent is ${limit.maxConcurrent}`,
    })
  return found
}

/** Of all endpoints, if each has a limit of its own. */
function endpointSum(options: LintUpstream['options']): number | undefined {
  if ('kind' in options.endpoints || endpointCount(options) === undefined) return undefined
  let sum = 0
  for (const { maxConcurrent } of options.endpoints) {
    if (maxConcurrent === undefined) return undefined
    sum += maxConcurrent
  }
  return sum
}

export const lints: readonly Lint[] = [limitNeverReached]
