import { isOff } from '../../schema/composites.ts'
import type { MapNode, Node } from '../../schema/node.ts'

/** Keys of a route whose value is replaced as a whole, never merged. */
const WHOLE: ReadonlySet<string> = new Set(['to', 'redirect', 'respond', 'match'])

/**
 * `over` on top of `under`: maps merge key by key, everything else (lists, `to`, `off`) replaces. Values keep the place
 * where they were written.
 */
export function mergeNodes(under: Node | undefined, over: Node): Node {
  if (under === undefined || under.kind !== 'map' || over.kind !== 'map' || isOff(over)) return over
  const entries = new Map(under.entries)
  for (const [key, entry] of over.entries) {
    const below = WHOLE.has(key) ? undefined : under.entries.get(key)?.value
    entries.set(key, { key: entry.key, value: mergeNodes(below, entry.value) })
  }
  return { kind: 'map', at: over.at, entries }
}

/** Without some keys. */
export function omitKeys(node: MapNode, keys: readonly string[]): MapNode {
  return { ...node, entries: new Map([...node.entries].filter(([key]) => !keys.includes(key))) }
}
