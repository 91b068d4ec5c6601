import type { Position } from '../../schema/node.ts'
import { type ConfigFacts, configFacts, type Fact, type FactKind, type FactMap } from './facts.ts'
import type { WrittenConfig } from './model.ts'

/** A value that has changed. Equal changes of several routes (upstreams, listeners) are one. */
export interface Change {
  readonly kind: FactKind
  /** Of the routes, upstreams or listeners; empty for what is global. */
  readonly names: readonly string[]
  readonly key: string
  /** As shown, secrets hidden; undefined: there was no such value, or there is none any more. */
  readonly before: string | undefined
  readonly after: string | undefined
  /** Of lists: items that came and went. */
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** Where the first of them is written now, or was; line 0: built in. */
  readonly at: Position
}

/** A route, upstream or listener that came or went. */
export interface Named {
  readonly kind: FactKind
  readonly name: string
  /** What leads to it, or what it is: for people. */
  readonly summary: string
}

/** Version 1: keys may be added, none is removed or changes its meaning. */
export interface ConfigDiff {
  readonly version: 1
  readonly same: boolean
  readonly added: readonly Named[]
  readonly removed: readonly Named[]
  readonly changed: readonly Change[]
}

const KINDS: readonly FactKind[] = ['listeners', 'upstreams', 'routes', 'global']

/**
 * Differences in meaning: order, comments, spelling and the place of a value do not count; changes of defaults do, wherever
 * they apply.
 */
export function diffConfigs(before: WrittenConfig, after: WrittenConfig): ConfigDiff {
  const [old, now] = [configFacts(before), configFacts(after)]
  const added = KINDS.flatMap((kind) => newNames(kind, old, now))
  const removed = KINDS.flatMap((kind) => newNames(kind, now, old))
  const changed = KINDS.flatMap((kind) => changesOf(kind, old, now))
  return { version: 1, same: added.length + removed.length + changed.length === 0, added, removed, changed }
}

function newNames(kind: FactKind, old: ConfigFacts, now: ConfigFacts): readonly Named[] {
  return [...now[kind]]
    .filter(([name]) => !old[kind].has(name))
    .map(([name, facts]) => ({ kind, name, summary: summaryOf(facts) }))
}

function summaryOf(facts: FactMap): string {
  const [what, where] = [facts.get('match') ?? facts.get('listen'), facts.get('to') ?? facts.get('endpoints')]
  return [what, where]
    .flatMap((fact) => (fact === undefined ? [] : [(fact.items ?? [fact.text]).join(', ')]))
    .join(' -> ')
}

function changesOf(kind: FactKind, old: ConfigFacts, now: ConfigFacts): readonly Change[] {
  const grouped = new Map<string, Change>()
  for (const [name, facts] of now[kind]) {
    const was = old[kind].get(name)
    if (was === undefined) continue
    for (const key of new Set([...was.keys(), ...facts.keys()])) {
      if (isBelow(key, was) || isBelow(key, facts)) continue
      const change = changeOf(factAt(key, was), factAt(key, facts))
      if (change === undefined) continue
      const group = JSON.stringify([key, factAt(key, was)?.meaning, factAt(key, facts)?.meaning])
      const names = [...(grouped.get(group)?.names ?? []), ...(name === '' ? [] : [name])]
      grouped.set(group, { kind, key, ...change, ...grouped.get(group), names })
    }
  }
  return [...grouped.values()]
}

/** Something above it is one value there, such as `off`: then that is what differs. */
function isBelow(key: string, facts: FactMap): boolean {
  for (let dot = key.lastIndexOf('.'); dot !== -1; dot = key.lastIndexOf('.', dot - 1))
    if (facts.has(key.slice(0, dot))) return true
  return false
}

/** The value of a key, or all values below it as one. */
function factAt(key: string, facts: FactMap): Fact | undefined {
  const own = facts.get(key)
  if (own !== undefined) return own
  const below = [...facts].filter(([other]) => other.startsWith(`${key}.`))
  const [first] = below
  if (first === undefined) return undefined
  const text = below.map(([other, fact]) => `${other.slice(key.length + 1)} ${fact.text}`).join(', ')
  return {
    text: `on (${text})`,
    meaning: JSON.stringify(below.map(([, fact]) => fact.meaning)),
    items: undefined,
    at: first[1].at,
  }
}

function changeOf(was: Fact | undefined, is: Fact | undefined): Omit<Change, 'kind' | 'key' | 'names'> | undefined {
  const at = (is ?? was)?.at
  if (at === undefined || was?.meaning === is?.meaning) return undefined
  const lists = was?.items !== undefined && is?.items !== undefined
  return {
    before: was?.text,
    after: is?.text,
    added: lists ? (is.items ?? []).filter((item) => was.items?.includes(item) !== true) : [],
    removed: lists ? (was.items ?? []).filter((item) => is.items?.includes(item) !== true) : [],
    at,
  }
}
