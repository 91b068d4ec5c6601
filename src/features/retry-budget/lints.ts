import type { Lint } from '../../config/judge/contract.ts'
import { retryBudget } from './feature.ts'

const retriesWithoutBudget: Lint = {
  name: 'retries-without-budget',
  finds: '`retryBudget: off` on an upstream whose routes retry.',
  why: 'While everything fails, each request becomes 1 + `maxExtra` attempts: the load multiplies when the upstream can bear it least, and keeps it down (a retry storm).',
  remedy:
    'Leave the budget on; raise `retryBudget.percent` or `minRetryRate` if it is too tight, or switch the retries off.',
  example: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080, http://10.0.0.2:8080 ]
    retryBudget: off
routes:
  orders:
    match: { path: /orders/* }
    to: orders
    retries: { maxExtra: 3 }
`,
  better: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080, http://10.0.0.2:8080 ]
    retryBudget: { percent: 50% }
routes:
  orders:
    match: { path: /orders/* }
    to: orders
    retries: { maxExtra: 3 }
`,
  run: ({ upstreams }) =>
    upstreams.flatMap(({ name, options, routes }) => {
      if (options.features.of(retryBudget) !== undefined) return []
      const extra = routes.map((route) => route.plan.again?.most ?? 0)
      const most = Math.max(0, ...extra)
      if (most === 0) return []
      const route = routes[extra.indexOf(most)]
      return [
        {
          path: ['upstreams', name, 'retryBudget'],
          message: `nothing bounds the retries: route ${route?.name} makes up to ${most + 1} attempts of each request`,
        },
      ]
    }),
}

export const lints: readonly Lint[] = [retriesWithoutBudget]
