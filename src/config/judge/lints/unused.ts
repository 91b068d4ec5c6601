import type { Node } from '../../../schema/node.ts'
import type { Lint } from '../contract.ts'

const ORDERS = `routes:
  orders:
    match: { path: /orders/* }
    to: orders
`

export const unusedUpstream: Lint = {
  name: 'unused-upstream',
  finds: 'An upstream to which no route leads.',
  why: 'It is left over, or a route names another one by mistake. Its endpoints are still resolved and checked.',
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
  run({ node, routes, upstreams }) {
    const targets = new Set(routes.flatMap(({ name }) => named(node(['routes', name, 'to']))))
    return upstreams
      .filter(({ name, routes: leading }) => leading.length === 0 && !targets.has(name))
      .map(({ name }) => ({ path: ['upstreams', name], message: 'no route leads here' }))
  },
}

/** What a list of upstreams names, with weight 0 too: that one waits for its share. */
function named(to: Node | undefined): readonly string[] {
  return to?.kind !== 'list'
    ? []
    : to.items.flatMap((item) => {
        const upstream = item.kind === 'map' ? item.entries.get('upstream')?.value : undefined
        return upstream?.kind === 'scalar' ? [upstream.text] : []
      })
}

export const unusedProfile: Lint = {
  name: 'unused-profile',
  finds: 'A profile that no route uses.',
  why: 'Whatever it says holds nowhere.',
  remedy: 'Remove it, or take it with `use` on a route.',
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
  run({ root, routes }) {
    const used = new Set(routes.flatMap(({ options }) => options.use ?? []))
    return [...(root.profiles?.keys() ?? [])]
      .filter((name) => !used.has(name))
      .map((name) => ({ path: ['profiles', name], message: 'no route uses this profile' }))
  },
}
