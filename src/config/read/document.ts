import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  Parser,
  parseAllDocuments,
  type Scalar,
  type YAMLMap,
  YAMLParseError,
  type Node as YamlNode,
} from 'yaml'
import type { Diagnostic } from '../../schema/diagnostics.ts'
import type { ListNode, MapEntry, MapNode, Node, Position, ScalarNode } from '../../schema/node.ts'
import { type Comment, readComments } from './comments.ts'
import { decode } from './decode.ts'
import type { Environment } from './environment.ts'
import { firstFault } from './faults.ts'
import { scalarOf } from './scalar.ts'
import { syntaxMessage } from './syntax.ts'

/** Larger files are refused: real configs are far smaller. */
export const MAX_FILE_BYTES: number = 16 * 1024 * 1024
/** Values after aliases are followed: an alias bomb ends here. */
export const MAX_VALUES: number = 1_000_000
/** After aliases are followed, too. */
export const MAX_DEPTH: number = 100
/** The parser has at most two open tokens for a level. */
const MAX_OPEN = 2 * MAX_DEPTH + 50

/** The content of a file; `root` is undefined if there are errors. */
export interface ParsedDocument {
  readonly root: Node | undefined
  readonly diagnostics: readonly Diagnostic[]
  readonly comments: readonly Comment[]
}

/**
 * YAML 1.2 text to nodes with their places. Never throws: whatever is wrong is a diagnostic. `env`: undefined leaves
 * references to environment values as they are.
 */
export function parseYaml(file: string, bytes: Uint8Array, env: Environment | undefined): ParsedDocument {
  const fail = (message: string, before?: string): ParsedDocument => ({
    root: undefined,
    diagnostics: [{ severity: 'error', at: endOf(file, before), path: '', message }],
    comments: [],
  })
  if (bytes.length > MAX_FILE_BYTES)
    return fail(`the file is too large: at most ${MAX_FILE_BYTES} bytes (16 MiB) are read`)
  const decoded = decode(bytes)
  if ('problem' in decoded) return fail(decoded.problem, decoded.before)
  const { text } = decoded
  if (isEmpty(text)) return fail('the file is empty; it starts with: apiVersion: sluice/v1', '')
  const counter = new LineCounter()
  const document = documentOf(text, counter)
  if (typeof document === 'number') return fail(TOO_DEEP, text.slice(0, document))
  const conversion = new Conversion(file, text, document, counter, env)
  return { root: conversion.root(), diagnostics: conversion.diagnostics, comments: readComments(file, text) }
}

/**
 * As `parseDocument` does, except for depth: the parser takes some seconds for each million brackets that it reads to the
 * end. A number: the place that is nested too deep.
 */
function documentOf(text: string, counter: LineCounter): Document.Parsed | number {
  const parser = new Parser(counter.addNewLine)
  const composer = new Composer({ version: '1.2', strict: true, uniqueKeys: false, merge: true })
  const [document, second] = composer.compose(tokensOf(text, parser, counter), true, text.length)
  if (parser.stack.length > 0) return collectionAt(parser.stack, MAX_DEPTH + 1)
  if (second !== undefined) document?.errors.push(new YAMLParseError(placeOf(second), 'MULTIPLE_DOCS', 'one more'))
  return document as Document.Parsed
}

/** Ends with open tokens on the parser's stack where there are too many. */
function* tokensOf(text: string, parser: Parser, counter: LineCounter): Generator<CST.Token, void> {
  counter.addNewLine(0)
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme)
    if (parser.stack.length > MAX_OPEN) return
  }
  yield* parser.end()
}

function collectionAt(open: readonly CST.Token[], depth: number): number {
  return open.filter((token) => 'items' in token)[depth]?.offset ?? 0
}

function placeOf({ range }: Document.Parsed): [number, number] {
  return [range[0], range[1]]
}

function isEmpty(text: string): boolean {
  return text.split('\n').every((written) => {
    const line = written.trim()
    return line === '' || line.startsWith('#') || /^(---|~)(\s+#.*)?$/.test(line)
  })
}

/** Where a text ends; undefined: the file as a whole. */
function endOf(file: string, text: string | undefined): Position {
  if (text === undefined) return { file, line: 0, column: 0 }
  const lines = text.split('\n')
  return { file, line: lines.length, column: (lines.at(-1) as string).length + 1 }
}

/** Every document of a text such as a Kubernetes manifest; empty ones left out, references left as they are. */
export function parseYamlDocuments(file: string, text: string): readonly ParsedDocument[] {
  const counter = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter: counter, version: '1.2', uniqueKeys: false, merge: true })
  if (!Array.isArray(documents)) return []
  return documents
    .filter(({ contents, errors }) => contents !== null || errors.length > 0)
    .map((document) => {
      const conversion = new Conversion(file, text, document, counter, undefined)
      return { root: conversion.root(), diagnostics: conversion.diagnostics, comments: [] }
    })
}

export const TOO_DEEP: string = `nested deeper than ${MAX_DEPTH} levels`

/** The node behind an anchor; no node: it has not been read to its end. */
interface Anchored {
  node: Node | undefined
  /** After aliases are followed. */
  values: number
  /** Below it, after aliases are followed. */
  levels: number
}

/** One document on its way to nodes. */
class Conversion {
  readonly diagnostics: Diagnostic[] = []
  private readonly file: string
  private readonly text: string
  private readonly document: Document.Parsed
  private readonly counter: LineCounter
  private readonly env: Environment | undefined
  /** The latest of each name; Alias.resolve of the package walks the whole document for each alias. */
  private readonly anchors = new Map<string, Anchored>()
  private values = 0
  private deepest = 0
  private full = false

  constructor(
    file: string,
    text: string,
    document: Document.Parsed,
    counter: LineCounter,
    env: Environment | undefined,
  ) {
    this.file = file
    this.text = text
    this.document = document
    this.counter = counter
    this.env = env
  }

  root(): Node | undefined {
    const fault = firstFault(this.document, this.text)
    if (fault !== undefined) {
      const at = this.position(fault.offset)
      const line = this.text.split('\n')[at.line - 1] ?? ''
      this.error(at, syntaxMessage(fault.code, fault.message, line))
      return undefined
    }
    const { contents, directives } = this.document
    if (directives.yaml.explicit === true && directives.yaml.version !== '1.2')
      this.error(this.position(0), `YAML ${directives.yaml.version}: Sluice reads YAML 1.2; remove the line`)
    const node = contents === null ? undefined : this.convert(contents, 0)
    return this.diagnostics.length > 0 ? undefined : node
  }

  private convert(yaml: YamlNode, depth: number): Node {
    this.values++
    const at = this.position(yaml.range?.[0] ?? 0)
    if (isAlias(yaml)) return this.alias(yaml.source, at, depth)
    if (depth > MAX_DEPTH || this.values > MAX_VALUES) {
      this.overflow(at, depth > MAX_DEPTH ? TOO_DEEP : `more than ${MAX_VALUES} values`)
      return { kind: 'list', at, items: [] }
    }
    this.deepest = Math.max(this.deepest, depth)
    const { anchor } = yaml as { anchor?: string }
    return anchor === undefined ? this.inner(yaml, at, depth) : this.anchored(anchor, yaml, at, depth)
  }

  private inner(yaml: YamlNode, at: Position, depth: number): Node {
    if (isMap(yaml)) return this.mapOf(yaml, at, depth)
    return isSeq(yaml) ? this.listOf(yaml.items, at, depth) : this.scalar(yaml, at)
  }

  private anchored(name: string, yaml: YamlNode, at: Position, depth: number): Node {
    const anchored: Anchored = { node: undefined, values: 0, levels: 0 }
    this.anchors.set(name, anchored)
    const { deepest, values } = this
    this.deepest = depth
    anchored.node = this.inner(yaml, at, depth)
    anchored.values = this.values - values + 1
    anchored.levels = this.deepest - depth
    this.deepest = Math.max(this.deepest, deepest)
    return anchored.node
  }

  private alias(name: string, at: Position, depth: number): Node {
    const known = this.anchors.get(name)
    if (known?.node === undefined) {
      const star = `; a value that starts with * must be quoted: "*${name}"`
      this.error(
        at,
        known === undefined
          ? `*${name}: there is no &${name} before it${star}`
          : `*${name} refers to what it stands in`,
      )
      return { kind: 'list', at, items: [] }
    }
    this.values += known.values
    this.deepest = Math.max(this.deepest, depth + known.levels)
    if (this.values > MAX_VALUES) this.overflow(at, `aliases expand to more than ${MAX_VALUES} values`)
    else if (depth + known.levels > MAX_DEPTH) this.overflow(at, TOO_DEEP)
    return known.node
  }

  private overflow(at: Position, message: string): void {
    if (!this.full) this.error(at, message)
    this.full = true
  }

  private mapOf(yaml: YAMLMap, at: Position, depth: number): MapNode {
    const entries = new Map<string, MapEntry>()
    const merged: MapNode[] = []
    for (const pair of yaml.items) {
      const keyNode = pair.key as YamlNode
      const key = this.position(keyNode.range?.[0] ?? 0)
      const name = isScalar(keyNode) ? String(keyNode.source ?? keyNode.value) : undefined
      const { anchor } = keyNode as { anchor?: string }
      if (anchor !== undefined) this.anchors.delete(anchor)
      if (name === undefined) {
        this.error(key, 'a key must be text; a value with { } or [ ] in it must be quoted')
        continue
      }
      const value = this.valueOf(keyNode, pair.value as YamlNode | null, depth)
      if (name === '<<' && (keyNode as Scalar).type === 'PLAIN') {
        merged.push(...this.mergeSources(value))
        continue
      }
      const twice = entries.get(name)
      if (twice === undefined) entries.set(name, { key, value })
      else this.error(key, `the key ${JSON.stringify(name)} is here twice; the first is in line ${twice.key.line}`)
    }
    for (const source of merged) {
      for (const [name, entry] of source.entries) if (!entries.has(name)) entries.set(name, entry)
    }
    return { kind: 'map', at, entries }
  }

  private valueOf(key: YamlNode, value: YamlNode | null, depth: number): Node {
    const end = key.range?.[1] ?? 0
    if (value === null) return nothing(this.position(key.range?.[0] ?? 0))
    // The parser places the null before a comment at the comment's end.
    const isNothing = isScalar(value) && value.range?.[0] === value.range?.[1] && !value.anchor && !value.tag
    return isNothing ? nothing(this.position(end + 1)) : this.convert(value, depth + 1)
  }

  private mergeSources(value: Node): readonly MapNode[] {
    const sources = value.kind === 'list' ? value.items : [value]
    for (const source of sources) if (source.kind !== 'map') this.error(source.at, '<< takes a map or a list of maps')
    return sources.filter((source) => source.kind === 'map')
  }

  private listOf(items: readonly unknown[], at: Position, depth: number): ListNode {
    return { kind: 'list', at, items: items.map((item) => this.convert(item as YamlNode, depth + 1)) }
  }

  private scalar(yaml: YamlNode, at: Position): ScalarNode {
    const scalar = yaml as Scalar
    const quoted = scalar.type !== undefined && scalar.type !== 'PLAIN'
    const value = scalar.value as ScalarNode['value'] | bigint
    const text = quoted ? String(value) : (scalar.source ?? (value === null ? '' : String(value)))
    const plain = typeof value === 'bigint' ? String(value) : value
    return scalarOf(at, plain, text, quoted, this.env, (problem) => this.error(at, problem))
  }

  private position(offset: number): Position {
    const { line, col } = this.counter.linePos(offset)
    return { file: this.file, line, column: col }
  }

  private error(at: Position, message: string): void {
    this.diagnostics.push({ severity: 'error', at, path: '', message })
  }
}

function nothing(at: Position): ScalarNode {
  return { kind: 'scalar', at, value: null, text: '', quoted: false }
}
