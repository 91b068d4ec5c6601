import type { Migration } from './contract.ts'

/** `services` were what proxies call upstreams. */
export const upstreams: Migration = {
  does: 'services is now upstreams',
  steps: [{ kind: 'rename', at: [], key: 'services', to: 'upstreams' }],
  before: `apiVersion: sluice/v1alpha1
listeners:
  web: { listen: 127.0.0.1:8080 }
services: # what we front
  orders:
    endpoints:
      - http://10.0.0.1:8080
routes:
  - name: orders
    path: /orders/*
    to: orders
`,
  after: `apiVersion: sluice/v1
listeners:
  web: { listen: 127.0.0.1:8080 }
upstreams: # what we front
  orders:
    endpoints:
      - http://10.0.0.1:8080
routes:
  orders:
    match:
      path: /orders/*
    to: orders
`,
}
