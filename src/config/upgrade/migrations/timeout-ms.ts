import type { Migration } from './contract.ts'

const PLACES = [
  ['defaults', 'route'],
  ['profiles', '*'],
  ['routes', '*'],
] as const

/** The only timeout of a route was a number of milliseconds. */
export const timeoutMs: Migration = {
  does: 'timeoutMs is now timeouts.request, with its unit',
  steps: PLACES.flatMap((at) => [
    { kind: 'value', at, key: 'timeoutMs', change: withUnit },
    { kind: 'nest', at, keys: { timeoutMs: 'request' }, into: 'timeouts' },
  ]),
  before: `apiVersion: sluice/v1alpha1
listeners:
  web: { listen: 127.0.0.1:8080 }
defaults:
  route: { timeoutMs: 3000 }
services:
  orders:
    endpoints: [http://10.0.0.1:8080]
routes:
  - name: orders
    path: /orders/*
    to: orders
    timeoutMs: 500 # they are fast
`,
  after: `apiVersion: sluice/v1
listeners:
  web: { listen: 127.0.0.1:8080 }
defaults:
  route: { timeouts: { request: 3000ms } }
upstreams:
  orders:
    endpoints: [http://10.0.0.1:8080]
routes:
  orders:
    match:
      path: /orders/*
    to: orders
    timeouts:
      request: 500ms # they are fast
`,
}

/** A number, or a reference to an environment value that holds one. */
function withUnit(text: string): string | undefined {
  return /^(\d+|\$\{[^}]*\})$/.test(text) ? `${text}ms` : undefined
}
