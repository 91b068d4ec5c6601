import type { Lint } from '../contract.ts'

const ORDERS = `routes:
  orders:
    match: { path: /orders/* }
    to: orders
`

export const unusedUpstream: Lint = {
  name: 'unused-upstream',
  finds: 'An upstream to which no route leads.',
  why: 'It is a leftover, or a route names another one by mistake. Its endpoints are still resolved and checked.',
  remedy: 'Remove it, or lead a route there.',
  example: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080 ]
  orders-old:
    endpoints: [ http://10.0.0.9:8080 ]
${ORDERS}`,
  better: `upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080 ]
${ORDERS}`,
  run({ named, upstreams }) {
    const used = named('upstream')
    return upstreams
      .filter(({ name }) => !used.has(name))
      .map(({ name }) => ({ path: ['upstreams', name], message: 'no route leads here' }))
  },
}

export const unusedProfile: Lint = {
  name: 'unused-profile',
  finds: 'A profile that no route uses.',
  why: 'Its policies apply nowhere.',
  remedy: 'Remove it, or apply it with `use` on a route.',
  example: `profiles:
  partner:
    timeouts: { request: 10s }
upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080 ]
${ORDERS}`,
  better: `profiles:
  partner:
    timeouts: { request: 10s }
upstreams:
  orders:
    endpoints: [ http://10.0.0.1:8080 ]
${ORDERS}    use: partner
`,
  run({ named, root }) {
    const used = named('profile')
    return [...(root.profiles?.keys() ?? [])]
      .filter((name) => !used.has(name))
      .map((name) => ({ path: ['profiles', name], message: 'no route uses this profile' }))
  },
}
