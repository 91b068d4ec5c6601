import type { Migration } from './contract.ts'

const PLACES = [
  ['defaults', 'upstream', 'loadBalancing'],
  ['upstreams', '*', 'loadBalancing'],
] as const

/** It counts requests, and a connection may carry many. */
export const leastRequest: Migration = {
  does: 'the algorithm least-connections is now least-request',
  steps: PLACES.map((at) => ({
    kind: 'value',
    at,
    key: 'algorithm',
    change: (text) => (text === 'least-connections' ? 'least-request' : undefined),
  })),
  before: `apiVersion: sluice/v1alpha1
listeners:
  web: { listen: 127.0.0.1:8080 }
services:
  orders:
    endpoints: [http://10.0.0.1:8080]
    loadBalancing:
      algorithm: 'least-connections'
      slowStart: 30s
routes:
  - { path: /orders/*, name: orders, to: orders }
`,
  after: `apiVersion: sluice/v1
listeners:
  web: { listen: 127.0.0.1:8080 }
upstreams:
  orders:
    endpoints: [http://10.0.0.1:8080]
    loadBalancing:
      algorithm: 'least-request'
      slowStart: 30s
routes:
  orders: { match: { path: /orders/* }, to: orders }
`,
}
