import type { Lint } from '../../config/judge/contract.ts'
import { endpointCount } from '../../config/judge/lints/endpoints.ts'
import { subset } from './feature.ts'

const ROUTE = `routes:
  orders:
    match: { path: /orders/* }
    to: orders
`

const subsetOfAll: Lint = {
  name: 'subset-of-all',
  finds: 'A `subset` that is as large as its upstream.',
  why: 'Each key then goes to every endpoint, so a client that breaks the endpoints it reaches breaks all of them, which shuffle sharding should prevent.',
  remedy: 'Make `subset.size` smaller than the number of endpoints; half of them or less isolates clients well.',
  example: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080, http://10.0.0.2:8080 ]
    subset: { size: 2, hashOn: { header: x-user } }
${ROUTE}`,
  better: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080, http://10.0.0.2:8080, http://10.0.0.3:8080, http://10.0.0.4:8080 ]
    subset: { size: 2, hashOn: { header: x-user } }
${ROUTE}`,
  run: ({ upstreams, own }) =>
    upstreams.flatMap(({ name, options }) => {
      const count = endpointCount(options)
      const path = ['upstreams', name, 'subset', 'size']
      const size = options.features.of(subset)?.size
      if (size === undefined || count === undefined || size < count || !own(path)) return []
      return [{ path, message: `each key goes to every endpoint: there are ${count}` }]
    }),
}

export const lints: readonly Lint[] = [subsetOfAll]
