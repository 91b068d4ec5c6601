import { join } from 'node:path'
import type { MapNode, Node } from '../../schema/node.ts'

/** Keys of an upstream under which `{ file: PATH }` may stand. */
const WHERE: readonly (readonly string[])[] = [
  ['endpoints'],
  ['tls', 'ca'],
  ['tls', 'cert'],
  ['tls', 'key'],
  ['loadBalancing', 'sticky', 'secret'],
]

/** The same upstreams with paths of files relative to where the main file is; `from`: the folder of theirs, as seen from there. */
export function rebased(root: MapNode, from: string): MapNode {
  const upstreams = root.entries.get('upstreams')
  if (from === '' || from === '.' || upstreams?.value.kind !== 'map') return root
  const entries = [...upstreams.value.entries].map(([name, entry]) => {
    const value = WHERE.reduce((node, path) => change(node, [...path, 'file'], from), entry.value)
    return [name, { ...entry, value }] as const
  })
  const value = { ...upstreams.value, entries: new Map(entries) }
  return { ...root, entries: new Map(root.entries).set('upstreams', { ...upstreams, value }) }
}

/** Paths of files, and names of environment values, that the upstreams of a file refer to. */
export function referencesOf(root: MapNode): readonly { readonly kind: 'file' | 'env'; readonly node: Node }[] {
  const upstreams = root.entries.get('upstreams')?.value
  if (upstreams?.kind !== 'map') return []
  return [...upstreams.entries.values()].flatMap(({ value }) =>
    WHERE.flatMap((path) =>
      (['file', 'env'] as const).flatMap((kind) => {
        const node = [...path, kind].reduce<Node | undefined>(
          (at, key) => (at?.kind === 'map' ? at.entries.get(key)?.value : undefined),
          value,
        )
        return node === undefined ? [] : [{ kind, node }]
      }),
    ),
  )
}

function change(node: Node, [key, ...rest]: readonly string[], from: string): Node {
  if (key === undefined) {
    if (node.kind !== 'scalar' || node.text.startsWith('/')) return node
    const text = join(from, node.text)
    return { ...node, text, value: text }
  }
  const entry = node.kind === 'map' ? node.entries.get(key) : undefined
  if (node.kind !== 'map' || entry === undefined) return node
  return { ...node, entries: new Map(node.entries).set(key, { ...entry, value: change(entry.value, rest, from) }) }
}
