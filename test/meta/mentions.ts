import { parseAst } from 'vitest/node'

/** A name in a source text that is a string, the name of a property, or a part of an import's path. */
export interface Mention {
  readonly name: string
  readonly line: number
}

interface Node {
  readonly type: string
  readonly start: number
  readonly [key: string]: unknown
}

/** What has a property by name: its `key` or `property`, unless that is computed. */
const KEYED = new Set([
  'Property',
  'PropertyDefinition',
  'MethodDefinition',
  'TSPropertySignature',
  'TSMethodSignature',
])
const IMPORTS = new Set(['ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration', 'ImportExpression'])

/** All that a syntax tree mentions; comments are no part of it. */
export function mentions(text: string): Mention[] {
  const found: Mention[] = []
  const add = (name: string, { start }: Node): void => {
    found.push({ name, line: text.slice(0, start).split('\n').length })
  }
  visit(parseAst(text, { lang: 'ts' }) as unknown as Node, (node) => {
    const { computed, key, property, source, type, value } = node
    if (type === 'Literal' && typeof value === 'string') add(value, node)
    if (KEYED.has(type) && computed !== true) named(key as Node, add)
    if (type === 'MemberExpression' && computed !== true) named(property as Node, add)
    if (IMPORTS.has(type) && isNode(source) && typeof source.value === 'string')
      for (const part of source.value.split('/')) add(part.replace(/\.ts$/, ''), source)
  })
  return found
}

function named(node: Node, add: (name: string, node: Node) => void): void {
  if (node.type === 'Identifier') add(node.name as string, node)
}

function visit(node: Node, see: (node: Node) => void): void {
  see(node)
  for (const child of Object.values(node)) {
    if (Array.isArray(child)) for (const item of child) isNode(item) && visit(item, see)
    else if (isNode(child)) visit(child, see)
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
}
