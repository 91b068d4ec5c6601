import type { Lint, LintContext, LintRoute } from '../../config/judge/contract.ts'
import type { Finding } from '../../core/lint.ts'
import { upgrades } from './feature.ts'

/** Keys of a route whose only effect is on upgrades. */
const KEYS = ['upgrades', 'websocket'] as const

const withListener = (listener: string): string => `listeners:
  web: ${listener}
upstreams:
  chat:
    endpoints: [ http://10.0.0.1:8080 ]
routes:
  chat:
    match: { path: /chat }
    to: chat
    websocket: { ping: 30s }
`

const upgradeAtNode: Lint = {
  name: 'upgrade-at-node',
  finds: '`upgrades` or `websocket` on a route whose listeners all have `http1: node`.',
  why: 'A listener with `http1: node` changes no protocol: it answers 501 to an offer that the route allows.',
  remedy:
    'Remove `http1: node` from a listener of the route, let it have another listener, or set `upgrades: off` to have such offers ignored.',
  example: withListener('{ listen: 0.0.0.0:8080, http1: node }'),
  better: withListener('{ listen: 0.0.0.0:8080 }'),
  run: (context) => context.routes.flatMap((route) => inRoute(route, context)),
}

function inRoute({ name, options }: LintRoute, { node, own, root }: LintContext): readonly Finding[] {
  if (options.features.of(upgrades) === undefined) return []
  const reachable = options.match.flatMap(({ listeners }) =>
    listeners.length > 0 ? listeners : [...root.listeners.keys()],
  )
  if (reachable.some((listener) => root.listeners.get(listener)?.http1 !== 'node')) return []
  return KEYS.map((key) => ['routes', name, key])
    .filter((path) => own(path) && !isOff(node(path)))
    .map((path) => ({
      path,
      atKey: true,
      message: 'is of no use: all listeners of the route have http1: node, and answer 501 to an upgrade',
    }))
}

function isOff(node: ReturnType<LintContext['node']>): boolean {
  return node?.kind === 'scalar' && node.text === 'off'
}

export const lints: readonly Lint[] = [upgradeAtNode]
