import type { Diagnostic } from '../../schema/diagnostics.ts'
import type { MapEntry, MapNode, Node, Position } from '../../schema/node.ts'

/** Keys that every file may have; they must agree. */
const COMMON: ReadonlySet<string> = new Set(['apiVersion', 'kind'])

/** The text of one file as it was written, top level first. */
export interface Document {
  readonly file: string
  readonly root: MapNode
}

/**
 * Several files as if they were one. Nothing overrides anything: a key in two of them is an error that names both.
 *
 * @param collections keys whose entries come from all files together
 */
export function unite(
  documents: readonly Document[],
  collections: ReadonlySet<string>,
  problems: Diagnostic[],
): MapNode {
  const [first] = documents as [Document, ...Document[]]
  const entries = new Map<string, MapEntry>()
  for (const { root } of documents) {
    for (const [key, entry] of root.entries) {
      const before = entries.get(key)
      entries.set(key, before === undefined ? entry : both(key, before, entry, collections, problems))
    }
  }
  return { kind: 'map', at: first.root.at, entries }
}

function both(
  key: string,
  before: MapEntry,
  entry: MapEntry,
  collections: ReadonlySet<string>,
  problems: Diagnostic[],
): MapEntry {
  const [a, b] = [before.value, entry.value]
  if (COMMON.has(key)) {
    if (a.kind === 'scalar' && b.kind === 'scalar' && a.text === b.text) return before
    problem(problems, b.at, key, `differs from ${place(a.at)}`)
  } else if (collections.has(key) && a.kind === 'map' && b.kind === 'map') {
    return { key: before.key, value: merged(key, a, b, problems) }
  } else if (a.kind === 'list' && b.kind === 'list' && key === 'include') {
    return { key: before.key, value: { ...a, items: [...a.items, ...b.items] } }
  } else if (!key.startsWith('x-')) problem(problems, entry.key, key, `is already in ${place(before.key)}`)
  return before
}

function merged(kind: string, a: MapNode, b: MapNode, problems: Diagnostic[]): Node {
  const entries = new Map(a.entries)
  for (const [name, entry] of b.entries) {
    const before = entries.get(name)
    if (before === undefined) entries.set(name, entry)
    else problem(problems, entry.key, `${kind}.${name}`, `the same name is already in ${place(before.key)}`)
  }
  return { ...a, entries }
}

function problem(problems: Diagnostic[], at: Position, path: string, message: string): void {
  problems.push({ severity: 'error', at, path, message })
}

function place({ file, line }: Position): string {
  return `${file}:${line}`
}
