import type { Diagnostic } from '../../schema/diagnostics.ts'
import type { Node } from '../../schema/node.ts'
import { parseYaml } from '../read/document.ts'
import { CURRENT_VERSION, OLDER_VERSIONS } from './migrations/index.ts'
import { rewriteText } from './rewrite/rewrite.ts'
import { upgrade } from './upgrade.ts'

/** A file on its way to the newest version of the language. */
export type Migrated =
  | { readonly state: 'current' }
  | {
      readonly state: 'rewritten'
      readonly text: string
      /** The version that it was in. */
      readonly from: string
      /** What was changed, where it stood. */
      readonly changes: readonly Diagnostic[]
    }
  | { readonly state: 'failed'; readonly diagnostics: readonly Diagnostic[] }

/**
 * Rewrites a file of an older version, and proves that the loader reads the same from both. References to environment
 * values stay references.
 */
export function migrateFile(file: string, bytes: Uint8Array): Migrated {
  const { root, diagnostics } = parseYaml(file, bytes, undefined)
  if (root === undefined) return { state: 'failed', diagnostics }
  const { changes, errors, from, root: upgraded } = upgrade(root)
  if (errors.length > 0) return { state: 'failed', diagnostics: errors }
  if (from === undefined) return { state: 'current' }
  const older = OLDER_VERSIONS.slice(OLDER_VERSIONS.indexOf(from))
  const steps = older.flatMap(({ migrations }) => migrations.flatMap((migration) => migration.steps))
  const rewritten = rewriteText(new TextDecoder().decode(bytes), CURRENT_VERSION, steps)
  if ('problem' in rewritten) return byHand(file, rewritten.problem, changes)
  const { root: read } = parseYaml(file, Buffer.from(rewritten.text), undefined)
  if (read === undefined || meaning(read) !== meaning(upgraded)) {
    const why = 'aliases or << change its meaning'
    return byHand(file, why, changes)
  }
  return { state: 'rewritten', text: rewritten.text, from: from.name, changes }
}

/** Each change becomes a task for the author. */
function byHand(file: string, why: string, changes: readonly Diagnostic[]): Migrated {
  const at = { file, line: 0, column: 0 }
  const message = `cannot be rewritten: ${why}; make the following changes by hand, and set apiVersion to ${CURRENT_VERSION}`
  return { state: 'failed', diagnostics: [{ severity: 'error', at, path: '', message }, ...changes] }
}

/** The meaning of a file, whatever its order and quotes. Free keys (`x-`) contain anchors and mean nothing by themselves. */
function meaning(root: Node): string {
  if (root.kind !== 'map') return plain(root)
  const entries = new Map([...root.entries].filter(([key]) => !key.startsWith('x-')))
  return plain({ ...root, entries })
}

function plain(node: Node): string {
  if (node.kind === 'scalar') return JSON.stringify([node.text, node.value])
  if (node.kind === 'list') return `[${node.items.map(plain).join()}]`
  const entries = [...node.entries].map(([key, { value }]) => `${JSON.stringify(key)}:${plain(value)}`)
  return `{${entries.toSorted().join()}}`
}
