import { isOff } from '../../schema/composites.ts'
import { type MapEntry, type MapNode, type Node, nodeOf } from '../../schema/node.ts'
import { nodeAt } from '../../schema/path.ts'
import type { Language } from './language.ts'

/** Keys at the root whose values hold where they are merged in. */
export const BENEATH: ReadonlySet<string> = new Set(['defaults', 'profiles'])

/**
 * `over` on top of `under`: maps merge key by key, everything else (lists, `off`, the keys of `whole`) replaces. Values keep
 * the place where they were written.
 */
function mergeNodes(under: Node | undefined, over: Node, whole: ReadonlySet<string>): Node {
  if (under === undefined || under.kind !== 'map' || over.kind !== 'map' || isOff(over)) return over
  const entries = new Map(under.entries)
  for (const [key, entry] of over.entries) {
    const below = whole.has(key) ? undefined : under.entries.get(key)?.value
    entries.set(key, { key: entry.key, value: mergeNodes(below, entry.value, whole) })
  }
  return { kind: 'map', at: over.at, entries }
}

/**
 * Puts `defaults` and profiles under each route and upstream. Built-in defaults come later, from the schemas. A profile
 * that does not exist is left to the check. `http1`: for tests, by what listeners speak that do not say.
 */
export function mergeDefaults(root: Node, { whole }: Language, http1: string | undefined): Node {
  if (root.kind !== 'map') return root
  const underRoute = nodeAt(root, ['defaults', 'route'])
  const underUpstream = nodeAt(root, ['defaults', 'upstream'])
  const profiles = nodeAt(root, ['profiles'])
  const entries = new Map(root.entries)
  change(entries, 'routes', (route) => mergeRoute(route, underRoute, profiles, whole))
  change(entries, 'upstreams', (upstream) => mergeNodes(underUpstream, upstream, whole))
  if (http1 !== undefined) change(entries, 'listeners', (listener) => mergeNodes(nodeOf({ http1 }), listener, whole))
  return { ...root, entries }
}

function mergeRoute(
  route: Node,
  under: Node | undefined,
  profiles: Node | undefined,
  whole: ReadonlySet<string>,
): Node {
  let below = under
  for (const profile of usedProfiles(route)) {
    const found = profiles === undefined ? undefined : nodeAt(profiles, [profile])
    if (found !== undefined) below = mergeNodes(below, found, whole)
  }
  return mergeNodes(below, route, whole)
}

/** Names in `use`, in order. */
export function usedProfiles(route: Node): readonly string[] {
  const use = nodeAt(route, ['use'])
  if (use === undefined || isOff(use)) return []
  const names = use.kind === 'list' ? use.items : [use]
  return names.flatMap((name) => (name.kind === 'scalar' ? [name.text] : []))
}

function change(entries: Map<string, MapEntry>, key: string, merge: (node: Node) => Node): void {
  const entry = entries.get(key)
  if (entry === undefined || entry.value.kind !== 'map') return
  const changed = [...entry.value.entries].map(
    ([name, child]) => [name, { key: child.key, value: merge(child.value) }] as const,
  )
  const value: MapNode = { ...entry.value, entries: new Map(changed) }
  entries.set(key, { key: entry.key, value })
}
