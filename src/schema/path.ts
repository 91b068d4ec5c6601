import type { Node, Position } from './node.ts'
import { At } from './schema.ts'

/** Keys, and places in lists, from the root of a config. */
export type Path = readonly (string | number)[]

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

/** Where a key stands, for a message about another one: `line 4`, with its file where that is another; else its keys. */
export function placeText(root: Node, path: Path, from: Path): string {
  const [at, reader] = [keyOf(root, path), keyOf(root, from)]
  if (at.line === 0) return pathText(path)
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
