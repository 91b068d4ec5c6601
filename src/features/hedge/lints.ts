import type { Lint, LintContext, LintRoute } from '../../config/judge/contract.ts'
import { endpointCount } from '../../config/judge/lints/endpoints.ts'
import { NO_FURTHER, NO_LIMITS } from '../../core/plan.ts'
import { durationText } from '../../schema/scalars.ts'
import { hedge } from './feature.ts'

const hedgeNeverHappens: Lint = {
  name: 'hedge-never-happens',
  finds: 'A `hedge` that cannot send a second attempt.',
  why: 'A hedge is one of the further attempts of `retries`, goes to another endpoint, and only repeats what may be repeated. If one of these is ruled out, the hedge does not reduce tail latency.',
  remedy: 'Do what the message says, or remove the hedge.',
  example: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080, http://10.0.0.2:8080 ]
routes:
  create:
    match: { path: /orders, methods: POST }
    to: orders
    hedge: { delay: 200ms }
`,
  better: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080, http://10.0.0.2:8080 ]
routes:
  read:
    match: { path: /orders, methods: GET }
    to: orders
    hedge: { delay: 200ms }
`,
  run: (context) =>
    context.routes.flatMap((route) => {
      const why = impossible(route, context)
      return why === undefined || !context.own(['routes', route.name, 'hedge'])
        ? []
        : [{ path: ['routes', route.name, 'hedge'], atKey: true, message: `never sends a second attempt: ${why}` }]
    }),
}

function impossible({ options, plan, upstreams }: LintRoute, { root }: LintContext): string | undefined {
  const { features, match } = options
  const second = features.of(hedge)
  const { again: further = NO_FURTHER, limit = NO_LIMITS } = plan
  if (second === undefined) return undefined
  if (upstreams.length === 0) return 'the route has no upstream'
  if (further.most === 0) return 'retries permit none; set retries.maxExtra'
  const methods = match.flatMap((one) => (one.methods.length === 0 ? ['GET'] : one.methods))
  if (!methods.some((method) => further.repeats(method)))
    return `${methods.join(', ')} may not be repeated (retries.methods)`
  const counts = upstreams.map((name) => {
    const upstream = root.upstreams.get(name)
    return upstream === undefined ? undefined : endpointCount(upstream)
  })
  if (upstreams.length === 1 && counts[0] === 1) return 'there is no second endpoint'
  const { attempt = Number.POSITIVE_INFINITY, request = Number.POSITIVE_INFINITY } = limit
  const end = Math.min(attempt, request)
  if (second.delay !== undefined && second.delay >= end)
    return `after ${durationText(end)} the first one is ended anyway`
  return undefined
}

export const lints: readonly Lint[] = [hedgeNeverHappens]
