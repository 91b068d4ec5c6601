/** Where a value stands. Lines and columns count from 1; 0: it has none, and is known by the path of its keys. */
export interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** A value of the config as it was written: what schemas read, with its place. Immutable; merging makes new values. */
export type Node = ScalarNode | ListNode | MapNode

export interface ScalarNode {
  readonly kind: 'scalar'
  readonly at: Position
  readonly value: string | number | boolean | null
  /** As written, after environment values were put in: `1.10` stays `1.10`. */
  readonly text: string
  /** It was in quotes or a block: text, whatever it looks like. */
  readonly quoted: boolean
  /** As it was written, if some of the text came from the environment: `${MAX}`. */
  readonly substituted?: string
}

export interface ListNode {
  readonly kind: 'list'
  readonly at: Position
  readonly items: readonly Node[]
}

export interface MapNode {
  readonly kind: 'map'
  readonly at: Position
  readonly entries: ReadonlyMap<string, MapEntry>
}

export interface MapEntry {
  readonly key: Position
  readonly value: Node
}

const NOWHERE: Position = { file: 'built-in', line: 0, column: 0 }

/** Whether it was not written, but is a default of Sluice. */
export function isBuiltIn({ file, line }: Position): boolean {
  return line === 0 && file === NOWHERE.file
}

/** Equal where two places are one. Places without lines are those of single values. */
export function placeKey(at: Position): Position | string {
  return at.line === 0 ? at : `${at.file}:${at.line}:${at.column}`
}

/** A node from a plain value, for built-in defaults. */
export function nodeOf(value: unknown, at: Position = NOWHERE): Node {
  if (Array.isArray(value)) return { kind: 'list', at, items: value.map((item) => nodeOf(item, at)) }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, item]) => [key, { key: at, value: nodeOf(item, at) }] as const)
    return { kind: 'map', at, entries: new Map(entries) }
  }
  const scalar = value as ScalarNode['value']
  return { kind: 'scalar', at, value: scalar, text: String(scalar), quoted: typeof scalar === 'string' }
}

/** The value as a message names it. */
export function describe(node: Node): string {
  if (node.kind === 'list') return 'a list'
  if (node.kind === 'map') return 'a map'
  if (node.value === null) return 'nothing (null)'
  return node.substituted === undefined ? shortened(node.text) : `${shortened(node.text)} ${origin(node)}`
}

/** Which environment values a text came from, for a message about it. */
export function origin({ substituted = '' }: ScalarNode): string {
  return `(from ${shortened(substituted).slice(1, -1)})`
}

function shortened(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text)
}
