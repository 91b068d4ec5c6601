import { isOff } from '../../schema/composites.ts'
import type { Entry, MapNode, Node, Position } from '../../schema/node.ts'
import { At } from '../../schema/schema.ts'
import type { Path } from '../judge/contract.ts'
import { mergeNodes } from './merge.ts'

/** The value under a path of keys; undefined where there is none. */
export function nodeAt(root: Node, path: Path): Node | undefined {
  let node: Node | undefined = root
  for (const step of path) {
    if (node?.kind === 'map') node = node.entries.get(String(step))?.value
    else if (node?.kind === 'list') node = node.items[Number(step)]
    else return undefined
  }
  return node
}

/** Where the value under a path of keys stands, or the nearest thing around it that was written. */
export function placeOf(root: Node, path: Path): Position {
  for (let length = path.length; length > 0; length--) {
    const parent = nodeAt(root, path.slice(0, length - 1))
    const last = path[length - 1]
    const entry = parent?.kind === 'map' ? parent.entries.get(String(last)) : undefined
    const node = nodeAt(root, path.slice(0, length))
    if (node !== undefined) return node.at
    if (entry !== undefined) return entry.key
  }
  return root.at
}

/** Where a key stands, for a message about another one: `line 4`, or with its file where that is another. */
export function placeText(root: Node, path: Path, from: Path): string {
  const [at, reader] = [keyOf(root, path), keyOf(root, from)]
  return at.file === reader.file ? `line ${at.line}` : `${at.file}:${at.line}`
}

/** Where a key itself stands. */
export function keyOf(root: Node, path: Path): Position {
  const parent = nodeAt(root, path.slice(0, -1))
  const entry = parent?.kind === 'map' ? parent.entries.get(String(path.at(-1))) : undefined
  return entry?.key ?? placeOf(root, path)
}

/** `routes.orders.retries.when[2]` */
export function pathText(path: Path): string {
  return path.reduce((at, step) => (typeof step === 'number' ? at.index(step) : at.key(step)), new At([])).path
}

/**
 * Puts `defaults` and profiles under each route and upstream. Built-in defaults come later, from the schemas. A profile
 * that does not exist is left to the check.
 */
export function mergeDefaults(root: Node): Node {
  if (root.kind !== 'map') return root
  const underRoute = nodeAt(root, ['defaults', 'route'])
  const underUpstream = nodeAt(root, ['defaults', 'upstream'])
  const profiles = nodeAt(root, ['profiles'])
  const entries = new Map(root.entries)
  change(entries, 'routes', (route) => mergeRoute(route, underRoute, profiles))
  change(entries, 'upstreams', (upstream) => mergeNodes(underUpstream, upstream))
  return { ...root, entries }
}

function mergeRoute(route: Node, under: Node | undefined, profiles: Node | undefined): Node {
  let below = under
  for (const profile of usedProfiles(route)) {
    const found = profiles === undefined ? undefined : nodeAt(profiles, [profile])
    if (found !== undefined) below = mergeNodes(below, found)
  }
  return mergeNodes(below, route)
}

/** Names in `use`, in order. */
export function usedProfiles(route: Node): readonly string[] {
  const use = nodeAt(route, ['use'])
  if (use === undefined || isOff(use)) return []
  const names = use.kind === 'list' ? use.items : [use]
  return names.flatMap((name) => (name.kind === 'scalar' ? [name.text] : []))
}

function change(entries: Map<string, Entry>, key: string, merge: (node: Node) => Node): void {
  const entry = entries.get(key)
  if (entry === undefined || entry.value.kind !== 'map') return
  const changed = [...entry.value.entries].map(
    ([name, child]) => [name, { key: child.key, value: merge(child.value) }] as const,
  )
  const value: MapNode = { ...entry.value, entries: new Map(changed) }
  entries.set(key, { key: entry.key, value })
}
