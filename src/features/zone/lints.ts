import type { Lint } from '../../config/judge/contract.ts'
import { zone } from './feature.ts'

const ROUTE = `routes:
  orders:
    match: { path: /orders/* }
    to: orders
`

const zoneWithoutEndpoint: Lint = {
  name: 'zone-without-endpoint',
  finds: 'A preferred zone without any endpoint.',
  why: 'The preference has no effect: probably the name of the zone is misspelt, here or at the endpoints.',
  remedy: 'Write the zone as the endpoints have it.',
  example: `upstreams:
  orders:
    endpoints: [ { url: "http://10.0.0.1:8080", zone: eu-1 }, { url: "http://10.0.0.2:8080", zone: eu-2 } ]
    loadBalancing: { zone: { prefer: eu1 } }
${ROUTE}`,
  better: `upstreams:
  orders:
    endpoints: [ { url: "http://10.0.0.1:8080", zone: eu-1 }, { url: "http://10.0.0.2:8080", zone: eu-2 } ]
    loadBalancing: { zone: { prefer: eu-1 } }
${ROUTE}`,
  run: ({ upstreams }) =>
    upstreams.flatMap(({ name, options: { endpoints, loadBalancing } }) => {
      const near = loadBalancing.features.of(zone)
      if (near === undefined || 'kind' in endpoints || endpoints.some((endpoint) => endpoint.zone === near.prefer))
        return []
      return [
        {
          path: ['upstreams', name, 'loadBalancing', 'zone', 'prefer'],
          message: `no endpoint is in zone ${JSON.stringify(near.prefer)}`,
        },
      ]
    }),
}

export const lints: readonly Lint[] = [zoneWithoutEndpoint]
