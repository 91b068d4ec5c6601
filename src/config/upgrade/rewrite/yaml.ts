import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  parseDocument,
  Scalar,
  type YAMLMap,
  type YAMLSeq,
  type Node as YamlNode,
} from 'yaml'
import type { MapPath } from '../migrations/contract.ts'

export type { YAMLMap, YAMLSeq, YamlNode }
export { isAlias, isMap, isScalar, isSeq }

/** A key with its value and where they stand. */
export interface Member {
  readonly name: string
  readonly keyStart: number
  readonly keyEnd: number
  readonly value: YamlNode | undefined
  /** Where the value's last character ends; comments are behind it. */
  readonly end: number
}

/** A text, parsed so that tokens know their places. */
export function parseSource(text: string): Document.Parsed {
  return parseDocument(text, { version: '1.2', uniqueKeys: false, merge: true, keepSourceTokens: true })
}

/** The keys of a map that are plain names; `<<` is none. */
export function members(map: YAMLMap): Member[] {
  return (map.items as Pair<YamlNode, YamlNode | null>[]).flatMap(({ key, value }) => {
    if (!isScalar(key) || isMergeKey(key)) return []
    const [keyStart, keyEnd] = key.range ?? [0, 0]
    return [{ name: nameOf(key), keyStart, keyEnd, value: value ?? undefined, end: Math.max(keyEnd, endOf(value)) }]
  })
}

/** The maps at a path, those behind aliases and `<<` included; each once. */
export function mapsAt(document: Document.Parsed, path: MapPath): ReadonlySet<YAMLMap> {
  let level: ReadonlySet<YAMLMap> = new Set(expand(document, document.contents))
  for (const key of path) {
    const next = new Set<YAMLMap>()
    for (const map of level) {
      for (const { name, value } of members(map)) {
        if (key !== '*' && name !== key) continue
        for (const found of expand(document, value)) next.add(found)
      }
    }
    level = next
  }
  return level
}

/** Where the last character of a value ends. Ranges of blocks also take what follows them. */
export function endOf(node: YamlNode | null | undefined): number {
  if (node === null || node === undefined) return 0
  const block = (isMap(node) || isSeq(node)) && node.flow !== true
  if (!block || node.items.length === 0) return node.range?.[1] ?? 0
  const last = node.items.at(-1)
  if (isSeq(node)) return endOf(last as YamlNode)
  const { key, value } = last as Pair<YamlNode, YamlNode | null>
  return Math.max(key.range?.[1] ?? 0, endOf(value))
}

/** Whether the value is a scalar in one line: plain or in quotes. */
export function isInline(node: YamlNode | undefined): node is Scalar {
  return isScalar(node) && [Scalar.PLAIN, Scalar.QUOTE_DOUBLE, Scalar.QUOTE_SINGLE].includes(node.type as 'PLAIN')
}

/** The text of a scalar as the loader reads it. */
export function scalarText(scalar: Scalar): string {
  return scalar.type === Scalar.PLAIN ? (scalar.source ?? '') : String(scalar.value)
}

function nameOf(key: Scalar): string {
  return String(key.source ?? key.value)
}

function isMergeKey(key: Scalar): boolean {
  return nameOf(key) === '<<' && key.type === Scalar.PLAIN
}

function expand(document: Document.Parsed, node: unknown): readonly YAMLMap[] {
  if (isAlias(node)) return expand(document, (node as Alias).resolve(document))
  if (!isMap(node)) return []
  const merged = (node.items as Pair<YamlNode, YamlNode>[])
    .filter(({ key }) => isScalar(key) && isMergeKey(key))
    .flatMap(({ value }) => (isSeq(value) ? (value.items as YamlNode[]) : [value]))
  return [node as YAMLMap, ...merged.flatMap((source) => expand(document, source))]
}
