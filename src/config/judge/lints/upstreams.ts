import type { Lint } from '../contract.ts'

const ROUTE = `routes:
  orders:
    match: { path: /orders/* }
    to: orders
`

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
