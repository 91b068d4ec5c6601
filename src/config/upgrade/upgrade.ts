import { type Diagnostic, sortDiagnostics } from '../../schema/diagnostics.ts'
import type { ListNode, MapEntry, MapNode, Node, Position } from '../../schema/node.ts'
import { At } from '../../schema/schema.ts'
import type { MapPath, OlderVersion, Step } from './migrations/contract.ts'
import { CURRENT_VERSION, OLDER_VERSIONS } from './migrations/index.ts'

/** A file in the newest version of the language. */
export interface Upgraded {
  /** Values keep the places where they were written. */
  readonly root: Node
  /** The older version that it was written in; undefined: the newest. */
  readonly from: OlderVersion | undefined
  /** Why it cannot be read as the newest version. */
  readonly errors: readonly Diagnostic[]
  /** What was changed, in the order of the file; as warnings. */
  readonly changes: readonly Diagnostic[]
}

/**
 * What was read from one file, as if it had been written in the newest version. Without `apiVersion` that version is
 * assumed.
 */
export function upgrade(root: Node): Upgraded {
  const entry = root.kind === 'map' ? root.entries.get('apiVersion') : undefined
  const written = entry?.value.kind === 'scalar' && entry.value.value !== null ? entry.value : undefined
  if (root.kind !== 'map' || written === undefined || written.text === CURRENT_VERSION)
    return { root, from: undefined, errors: [], changes: [] }
  const known = OLDER_VERSIONS.findIndex(({ name }) => name === written.text)
  const from = OLDER_VERSIONS[known]
  if (from === undefined) {
    const message = unknownVersion(written.text)
    return {
      root,
      from,
      errors: [{ severity: 'error', at: written.at, path: 'apiVersion', message }],
      changes: [],
    }
  }
  const upgrading = new Upgrading()
  const steps = OLDER_VERSIONS.slice(known).flatMap(({ migrations }) => migrations.flatMap(({ steps }) => steps))
  const upgraded = steps.reduce<MapNode>((map, step) => upgrading.apply(map, step), root)
  const entries = new Map(upgraded.entries)
  const version = { ...written, value: CURRENT_VERSION, text: CURRENT_VERSION }
  entries.set('apiVersion', { key: (entry as MapEntry).key, value: version })
  return { root: { ...upgraded, entries }, from, errors: upgrading.errors, changes: sortDiagnostics(upgrading.changes) }
}

/** The warning that an older file gets when it is loaded. */
export function olderVersion(from: OlderVersion, root: Node): Diagnostic {
  const at = (root as MapNode).entries.get('apiVersion')?.value.at ?? root.at
  const message = `${from.name} is an older version; sluice migrate ${at.file} --write makes it ${CURRENT_VERSION}`
  return { severity: 'warning', at, path: 'apiVersion', message }
}

function unknownVersion(text: string): string {
  const older = OLDER_VERSIONS.map(({ name }) => name).join(', ')
  const known = `known are ${CURRENT_VERSION} and, older, ${older}`
  return `${JSON.stringify(text)} is ${isNewer(text) ? 'newer than this Sluice' : 'not a version of this language'}; ${known}`
}

/** `sluice/v2`, `sluice/v2beta1`: versions are ordered as those of Kubernetes. */
function isNewer(text: string): boolean {
  const major = /^sluice\/v(\d+)((alpha|beta)\d+)?$/.exec(text)?.[1]
  return major !== undefined && Number(major) > Number(/\d+$/.exec(CURRENT_VERSION)?.[0])
}

/** Applies steps to nodes, and remembers what it did. */
class Upgrading {
  readonly errors: Diagnostic[] = []
  readonly changes: Diagnostic[] = []
  /** A node behind an anchor is met more than once. */
  private readonly told = new Set<string>()

  apply(root: MapNode, step: Step): MapNode {
    return this.within(root, step.at, new At([]), (map, at) => {
      if (step.kind === 'rename') return this.rename(map, at, step)
      if (step.kind === 'value') return this.value(map, at, step)
      return step.kind === 'nest' ? this.nest(map, at, step) : this.keyBy(map, at, step)
    })
  }

  private within(map: MapNode, path: MapPath, at: At, change: (map: MapNode, at: At) => MapNode): MapNode {
    const [key, ...rest] = path
    if (key === undefined) return change(map, at)
    const entries = new Map(map.entries)
    for (const name of key === '*' ? map.entries.keys() : [key]) {
      const entry = map.entries.get(name)
      if (entry?.value.kind !== 'map') continue
      entries.set(name, { key: entry.key, value: this.within(entry.value, rest, at.key(name), change) })
    }
    return { ...map, entries }
  }

  private rename(map: MapNode, at: At, { key, to }: Step & { kind: 'rename' }): MapNode {
    const entry = map.entries.get(key)
    if (entry === undefined) return map
    if (map.entries.has(to)) return this.refuse(map, at.key(key), entry.key, `is the older name of ${to}; keep one`)
    this.tell(at.key(key), entry.key, `is now ${to}`)
    return { ...map, entries: new Map([...map.entries].map(([name, value]) => [name === key ? to : name, value])) }
  }

  private value(map: MapNode, at: At, { change, key }: Step & { kind: 'value' }): MapNode {
    const entry = map.entries.get(key)
    const text = entry?.value.kind === 'scalar' ? change(entry.value.text) : undefined
    if (entry?.value.kind !== 'scalar' || text === undefined) return map
    this.tell(at.key(key), entry.value.at, `${entry.value.text} is now ${text}`)
    return {
      ...map,
      entries: new Map(map.entries).set(key, { ...entry, value: { ...entry.value, value: text, text } }),
    }
  }

  private nest(map: MapNode, at: At, { into, keys }: Step & { kind: 'nest' }): MapNode {
    const moved = [...map.entries].filter(([name]) => Object.hasOwn(keys, name))
    const [first] = moved
    if (first === undefined) return map
    const outer = map.entries.get(into)
    if (outer !== undefined && outer.value.kind !== 'map')
      return this.refuse(map, at.key(first[0]), first[1].key, `belongs in ${into}, which is not a map here`)
    const inner = new Map(outer?.value.kind === 'map' ? outer.value.entries : [])
    for (const [name, entry] of moved) {
      const to = keys[name] as string
      if (inner.has(to)) return this.refuse(map, at.key(name), entry.key, `${into}.${to} is also set; keep one`)
      inner.set(to, entry)
      this.tell(at.key(name), entry.key, `is now ${into}.${to}`)
    }
    const nested: MapEntry = {
      key: outer?.key ?? first[1].key,
      value: { kind: 'map', at: outer?.value.at ?? first[1].key, entries: inner },
    }
    const entries = new Map<string, MapEntry>()
    for (const [name, entry] of map.entries) {
      if (name === into || (outer === undefined && name === first[0])) entries.set(into, nested)
      else if (!Object.hasOwn(keys, name)) entries.set(name, entry)
    }
    return { ...map, entries }
  }

  private keyBy(map: MapNode, at: At, { by, key }: Step & { kind: 'keyBy' }): MapNode {
    const entry = map.entries.get(key)
    if (entry?.value.kind !== 'list') return map
    const value: MapNode = { kind: 'map', at: entry.value.at, entries: this.named(entry.value, at.key(key), by) }
    this.tell(at.key(key), entry.key, `is now a map by ${by}`)
    return { ...map, entries: new Map(map.entries).set(key, { key: entry.key, value }) }
  }

  private named(list: ListNode, at: At, by: string): Map<string, MapEntry> {
    const entries = new Map<string, MapEntry>()
    for (const [i, item] of list.items.entries()) {
      const name = item.kind === 'map' ? item.entries.get(by)?.value : undefined
      if (item.kind !== 'map' || name?.kind !== 'scalar' || name.value === null) {
        this.error(at.index(i), name?.at ?? item.at, `${JSON.stringify(by)} is missing; it is a name`)
        continue
      }
      const twice = entries.get(name.text)
      if (twice !== undefined) {
        const first = `the first is in line ${twice.key.line}`
        this.error(at.index(i).key(by), name.at, `${JSON.stringify(name.text)} is here twice; ${first}`)
      }
      const rest = new Map([...item.entries].filter(([key]) => key !== by))
      entries.set(name.text, { key: name.at, value: { ...item, entries: rest } })
    }
    return entries
  }

  private refuse(map: MapNode, at: At, place: Position, message: string): MapNode {
    this.error(at, place, message)
    return map
  }

  private error({ path }: At, at: Position, message: string): void {
    this.errors.push({ severity: 'error', at, path, message })
  }

  private tell({ path }: At, at: Position, message: string): void {
    const key = `${at.line}:${at.column}:${message}`
    if (this.told.has(key)) return
    this.told.add(key)
    this.changes.push({ severity: 'warning', at, path, message })
  }
}
