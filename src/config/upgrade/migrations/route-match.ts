import type { Migration } from './contract.ts'

/** Conditions stood beside policies; `match.headers` and the policy `headers` would have the same name. */
export const routeMatch: Migration = {
  does: 'conditions of a route are now in match',
  steps: [
    {
      kind: 'nest',
      at: ['routes', '*'],
      keys: { host: 'host', hosts: 'hosts', path: 'path', paths: 'paths', methods: 'methods' },
      into: 'match',
    },
  ],
  before: `apiVersion: sluice/v1alpha1
listeners:
  web: { listen: 127.0.0.1:8080 }
routes:
  - name: teapot
    host: shop.example.com
    # The old and the new way.
    paths:
      - /tea
      - "/teas/{id}"
    respond: { status: 418 }
    methods: [GET]
`,
  after: `apiVersion: sluice/v1
listeners:
  web: { listen: 127.0.0.1:8080 }
routes:
  teapot:
    match:
      host: shop.example.com
      # The old and the new way.
      paths:
        - /tea
        - "/teas/{id}"
      methods: [GET]
    respond: { status: 418 }
`,
}
