import type { Migration } from './contract.ts'

/** Routes were a list with names, in which two could have the same one. */
export const routeNames: Migration = {
  does: 'routes is now a map by name',
  steps: [{ kind: 'keyBy', at: [], key: 'routes', by: 'name' }],
  before: `apiVersion: sluice/v1alpha1
listeners:
  web: { listen: 127.0.0.1:8080 }
routes:
  # Robots stay out.
  - name: robots # for crawlers
    path: /robots.txt
    respond: { body: "User-agent: *" }
  - { name: teapot, path: /tea, respond: { status: 418 } }
`,
  after: `apiVersion: sluice/v1
listeners:
  web: { listen: 127.0.0.1:8080 }
routes:
  # Robots stay out.
  robots: # for crawlers
    match:
      path: /robots.txt
    respond: { body: "User-agent: *" }
  teapot: { match: { path: /tea }, respond: { status: 418 } }
`,
}
