import type { MapEntry, MapNode, Node } from '../../schema/node.ts'
import { changeMarks } from '../../schema/walk.ts'
import type { Language } from './language.ts'

/** Names that files of one `include` have for themselves, by kind. */
export type OwnNames = ReadonlyMap<string, ReadonlySet<string>>

export function ownNames({ collections }: Language, roots: readonly MapNode[]): OwnNames {
  return new Map(
    collections.map(({ key, of }) => [of, new Set(roots.flatMap((root) => [...entriesOf(root, key).keys()]))]),
  )
}

/** Names become `as.NAME`, and so do references to them. References to other names are left to the check. */
export function inNamespace(language: Language, root: MapNode, as: string, own: OwnNames): MapNode {
  const referred = changeMarks(language.root, root, ({ mark, node }) =>
    mark.is === 'reference' && node.kind === 'scalar' && own.get(mark.to)?.has(node.text) === true
      ? renamed(node, `${as}.${node.text}`)
      : node,
  ) as MapNode
  const entries = new Map(referred.entries)
  for (const { key } of language.collections) {
    const entry = referred.entries.get(key)
    if (entry?.value.kind !== 'map') continue
    const inside = [...entry.value.entries].map(([name, child]) => [`${as}.${name}`, child] as const)
    entries.set(key, { ...entry, value: { ...entry.value, entries: new Map(inside) } })
  }
  return { ...referred, entries }
}

function renamed(node: Node & { kind: 'scalar' }, text: string): Node {
  return { ...node, text, value: text }
}

function entriesOf(root: MapNode, key: string): ReadonlyMap<string, MapEntry> {
  const found = root.entries.get(key)?.value
  return found?.kind === 'map' ? found.entries : new Map()
}
