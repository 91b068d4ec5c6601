import { healthCheck } from '../../../features/health-check/feature.ts'
import { subset } from '../../../features/subset/feature.ts'
import { zone } from '../../../features/zone/feature.ts'
import { durationText } from '../../../schema/scalars.ts'
import type { Lint } from '../contract.ts'
import { endpointCount } from './endpoints.ts'

const ROUTE = `routes:
  orders:
    match: { path: /orders/* }
    to: orders
`

export const healthCheckOverlaps: Lint = {
  name: 'health-check-overlaps',
  finds: 'A health check whose `timeout` is longer than its `interval`.',
  why: 'A check that hangs delays the next one, so an endpoint that hangs is found later than `interval` and `unhealthyAfter` promise.',
  remedy: 'Make `timeout` shorter than `interval`; an endpoint that needs longer to answer a check is not healthy.',
  example: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080 ]
    healthCheck: { interval: 1s, timeout: 3s }
${ROUTE}`,
  better: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080 ]
    healthCheck: { interval: 3s, timeout: 1s }
${ROUTE}`,
  run: ({ upstreams, written }) =>
    upstreams.flatMap(({ name, options }) => {
      const check = options.features.of(healthCheck)
      if (check === undefined || check.timeout <= check.interval) return []
      const path = ['upstreams', name, 'healthCheck']
      const [timeout, interval] = [durationText(check.timeout), durationText(check.interval)]
      return [
        written([...path, 'timeout'])
          ? { path: [...path, 'timeout'], message: `is longer than interval (${interval})` }
          : { path: [...path, 'interval'], message: `is shorter than timeout (${timeout} by default)` },
      ]
    }),
}

export const zoneWithoutEndpoint: Lint = {
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

export const subsetOfAll: Lint = {
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

export const tlsNotVerified: Lint = {
  name: 'tls-not-verified',
  finds: '`tls.verify: false` on an upstream.',
  why: 'An attacker between the gateway and the endpoint can read and change everything, credentials included.',
  remedy:
    'Trust the authority that signed the certificate (`tls.ca`), and name the host that it is for (`tls.serverName`).',
  example: `upstreams:
  orders:
    endpoints: [ https://10.0.0.1:8443 ]
    tls: { verify: false }
${ROUTE}`,
  better: `upstreams:
  orders:
    endpoints: [ https://10.0.0.1:8443 ]
    tls: { serverName: orders.internal }
${ROUTE}`,
  run: ({ upstreams }) =>
    upstreams
      .filter(({ options }) => !options.tls.verify)
      .map(({ name }) => ({
        path: ['upstreams', name, 'tls', 'verify'],
        message: 'any host can pretend to be this upstream; trust its authority with tls.ca instead',
      })),
}
