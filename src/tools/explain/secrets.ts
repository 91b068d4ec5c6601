import { mayHoldSecret } from '../../lib/secret-names.ts'
import type { Node } from '../../schema/node.ts'
import { nodeAt } from '../../schema/path.ts'

/** What is shown in place of a secret. */
export const HIDDEN = '***'

/** A flat list of fields as pairs, without what tends to be secret. `hidden`: further values that must not be seen. */
export function shownFields(
  flat: readonly string[],
  hidden: ReadonlySet<string>,
): readonly (readonly [string, string])[] {
  const pairs: (readonly [string, string])[] = []
  for (let i = 0; i < flat.length; i += 2) {
    const [name = '', value = ''] = flat.slice(i, i + 2)
    const shown = name.toLowerCase() === 'location' ? shownTarget(value) : value
    pairs.push([name, mayHoldSecret(name) || hidden.has(value) ? HIDDEN : shown])
  }
  return pairs
}

/** A target or URL, or the query of one, without the values of keys that tend to hold secrets. */
export function shownTarget(target: string): string {
  return target.replace(/([?&])([^=&]*)=([^&]*)/g, (whole, mark: string, key: string) =>
    mayHoldSecret(key) ? `${mark}${key}=${HIDDEN}` : whole,
  )
}

/** Values of conditions that came from the environment, of all routes. */
export function hiddenConditions(tree: Node): ReadonlySet<string> {
  const routes = nodeAt(tree, ['routes'])
  const all = routes?.kind === 'map' ? [...routes.entries.values()] : []
  return new Set(all.flatMap(({ value }) => environmentTexts(nodeAt(value, ['match']) ?? value)))
}

/** Texts that came from the environment: they may be secrets. */
export function environmentTexts(node: Node): readonly string[] {
  if (node.kind === 'scalar') return node.substituted !== undefined ? [node.text] : []
  const inner = node.kind === 'list' ? node.items : Array.from(node.entries.values(), ({ value }) => value)
  return inner.flatMap(environmentTexts)
}
