import type { Diagnostic } from '../../schema/diagnostics.ts'
import type { MapNode, Node } from '../../schema/node.ts'
import { nodeAt } from '../../schema/path.ts'
import type { Language } from '../language/language.ts'

/** A route or upstream with errors, and what is live in its place. */
export interface Kept {
  /** Key of a collection: `routes`. */
  readonly kind: string
  readonly name: string
  /** `left out`: there was no good version, or it no longer fits. */
  readonly became: 'as it was' | 'left out'
}

/** For people: `routes.app: as it was`. */
export function keptText({ became, kind, name }: Kept): string {
  return `${kind}.${name}: ${became}`
}

/** Whether the config asks for its good parts to go live without the bad ones. */
export function keepsGood(tree: Node): boolean {
  const asked = nodeAt(tree, ['onInvalid'])
  return asked?.kind === 'scalar' && asked.text === 'keepGood'
}

/**
 * `tree` with its bad routes and upstreams as they are in `good`, or without them if that was used `before` or there are
 * none. undefined: something else is wrong, or that is not enough.
 */
export function withoutBad(
  tree: Node,
  good: Node,
  errors: readonly Diagnostic[],
  before: readonly Kept[],
  { collections }: Language,
): { readonly tree: Node; readonly kept: readonly Kept[] } | undefined {
  const kinds = new Set(collections.flatMap(({ key, serves }) => (serves ? [key] : [])))
  const bad = errors.map(({ path }) => partOf(path, kinds))
  const kept = new Map(before.map((one) => [`${one.kind} ${one.name}`, one]))
  let repaired = tree
  for (const part of bad) {
    if (part === undefined) return undefined
    const key = `${part.kind} ${part.name}`
    const earlier = before.find(({ kind, name }) => kind === part.kind && name === part.name)
    if (earlier?.became === 'left out') return undefined
    if (kept.get(key) !== earlier) continue
    const as = earlier === undefined ? nodeAt(good, [part.kind, part.name]) : undefined
    repaired = withPart(repaired, part, as)
    kept.set(key, { ...part, became: as === undefined ? 'left out' : 'as it was' })
  }
  return { tree: repaired, kept: [...kept.values()] }
}

function partOf(path: string, kinds: ReadonlySet<string>): Pick<Kept, 'kind' | 'name'> | undefined {
  const [, kind = '', name = ''] = /^(\w+)\.("(?:[^"\\]|\\.)*"|[^.[]+)/.exec(path) ?? []
  if (!kinds.has(kind)) return undefined
  return { kind, name: name.startsWith('"') ? (JSON.parse(name) as string) : name }
}

function withPart(root: Node, { kind, name }: Pick<Kept, 'kind' | 'name'>, node: Node | undefined): Node {
  const parts = nodeAt(root, [kind])
  if (root.kind !== 'map' || parts?.kind !== 'map') return root
  const entries = new Map(parts.entries)
  if (node === undefined) entries.delete(name)
  else entries.set(name, { key: entries.get(name)?.key ?? node.at, value: node })
  const changed: MapNode = { ...parts, entries }
  return { ...root, entries: new Map(root.entries).set(kind, { key: parts.at, value: changed }) }
}
