import type { MapEntry, MapNode, Node } from '../../schema/node.ts'

/** Names that files of one `include` have for themselves, by kind. */
export interface OwnNames {
  readonly routes: ReadonlySet<string>
  readonly upstreams: ReadonlySet<string>
  readonly profiles: ReadonlySet<string>
}

const KINDS = ['routes', 'upstreams', 'profiles', 'tests'] as const

export function ownNames(roots: readonly MapNode[]): OwnNames {
  const of = (kind: (typeof KINDS)[number]): ReadonlySet<string> =>
    new Set(roots.flatMap((root) => childrenOf(root, kind).map(([name]) => name)))
  return { routes: of('routes'), upstreams: of('upstreams'), profiles: of('profiles') }
}

/** Names become `as.NAME`, and so does what refers to them. What isn't their own is left to the check. */
export function inNamespace(root: MapNode, as: string, own: OwnNames): MapNode {
  const entries = new Map(root.entries)
  for (const kind of KINDS) {
    const entry = root.entries.get(kind)
    if (entry?.value.kind !== 'map') continue
    const renamed = childrenOf(root, kind).map(([name, child]) => {
      return [`${as}.${name}`, { key: child.key, value: REFERENCES[kind](child.value, as, own) }] as const
    })
    entries.set(kind, { key: entry.key, value: { ...entry.value, entries: new Map(renamed) } })
  }
  return { ...root, entries }
}

const REFERENCES: Readonly<Record<(typeof KINDS)[number], (node: Node, as: string, own: OwnNames) => Node>> = {
  routes: withReferences,
  upstreams: (node) => node,
  profiles: withReferences,
  tests: (test, as, own) =>
    changeAt(test, 'expect', (expected) =>
      changeAt(
        changeAt(expected, 'route', (node) => renamed(node, as, own.routes)),
        'upstream',
        (node) => renamed(node, as, own.upstreams),
      ),
    ),
}

/** References of a route or profile: `to`, `failover`, `use`, `fallback.route`. */
function withReferences(route: Node, as: string, own: OwnNames): Node {
  const rename = (names: ReadonlySet<string>) => (node: Node) => renamed(node, as, names)
  let changed = changeAt(route, 'to', (to) =>
    to.kind === 'list'
      ? { ...to, items: to.items.map((item) => changeAt(item, 'upstream', rename(own.upstreams))) }
      : rename(own.upstreams)(to),
  )
  changed = changeAt(changed, 'failover', rename(own.upstreams))
  changed = changeAt(changed, 'use', rename(own.profiles))
  return changeAt(changed, 'fallback', (fallback) => changeAt(fallback, 'route', rename(own.routes)))
}

function renamed(node: Node, as: string, names: ReadonlySet<string>): Node {
  if (node.kind === 'list') return { ...node, items: node.items.map((item) => renamed(item, as, names)) }
  if (node.kind !== 'scalar' || !names.has(node.text)) return node
  const text = `${as}.${node.text}`
  return { ...node, text, value: text }
}

function changeAt(node: Node, key: string, change: (value: Node) => Node): Node {
  const entry = node.kind === 'map' ? node.entries.get(key) : undefined
  if (node.kind !== 'map' || entry === undefined) return node
  return { ...node, entries: new Map(node.entries).set(key, { ...entry, value: change(entry.value) }) }
}

function childrenOf(root: MapNode, kind: string): readonly (readonly [string, MapEntry])[] {
  const found = root.entries.get(kind)?.value
  return found?.kind === 'map' ? [...found.entries] : []
}
