import { type Fields, isOff } from '../../schema/composites.ts'
import { type MapNode, type Node, nodeOf } from '../../schema/node.ts'
import type { Path } from '../../schema/path.ts'
import { At, INVALID, type Schema } from '../../schema/schema.ts'
import { marksIn } from '../../schema/walk.ts'

/** One value of the config that holds, written or built in. */
export interface Leaf {
  /** Keys that lead to it. */
  readonly steps: readonly (string | number)[]
  /** As written in a config: `3s`, `[GET, HEAD]`, `off`. */
  readonly text: string
  /** The same for all spellings of one meaning: `1s` and `1000ms`. JSON. */
  readonly meaning: string
  /** What it was read from; built-in ones have the file `built-in`. */
  readonly node: Node
  /** It says where a secret is. */
  readonly secret: boolean
}

/** Every value that `schema` makes of `node`, built-in defaults included. A map without any is one itself: `{}`. */
export function leavesOf(
  schema: Schema<unknown>,
  node: Node,
  steps: readonly (string | number)[] = [],
  within = false,
): readonly Leaf[] {
  const secret = within || marksIn(schema, node).some(({ mark, path }) => mark.is === 'secret' && isHere(node, path))
  const below = node.kind === 'map' ? leavesBelow(schema, node, steps, secret) : []
  if (below.length > 0) return below
  return [{ steps, text: textOf(node), meaning: meaningOf(schema, node), node, secret }]
}

/** Lists are one value. */
function isHere(node: Node, path: Path): boolean {
  return path.length === 0 || node.kind === 'list'
}

function leavesBelow(
  schema: Schema<unknown>,
  { entries }: MapNode,
  steps: Leaf['steps'],
  secret: boolean,
): readonly Leaf[] {
  const fields = fieldsOf(schema)
  if (fields === undefined) {
    const inner = valuesOf(schema)
    return [...entries].flatMap(([key, { value }]) => leavesOf(inner, value, [...steps, key], secret))
  }
  return Object.entries(fields).flatMap(([key, { schema: inner, fallback }]) => {
    const value = entries.get(key)?.value ?? (fallback === undefined ? undefined : nodeOf(fallback))
    return value === undefined ? [] : leavesOf(inner, value, [...steps, key], secret)
  })
}

function fieldsOf(schema: Schema<unknown>): Fields | undefined {
  if ('fields' in schema) return schema.fields as Fields
  for (const { step, schema: inner } of schema.inner ?? []) {
    const found = step === '' ? fieldsOf(inner) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

/** The schema of the values of a map by name. */
function valuesOf(schema: Schema<unknown>): Schema<unknown> {
  for (const { step, schema: inner } of schema.inner ?? []) {
    if (step === '.NAME') return inner
    const found = step === '' ? valuesOf(inner) : ANYTHING
    if (found !== ANYTHING) return found
  }
  return ANYTHING
}

const ANYTHING: Schema<unknown> = { expected: 'anything', json: {}, read: (node) => textOf(node) }

/** A value as written on one line. */
export function textOf(node: Node): string {
  if (isOff(node)) return 'off'
  if (node.kind === 'scalar') return node.text
  if (node.kind === 'list') return `[${node.items.map(textOf).join(', ')}]`
  if (node.entries.size === 0) return '{}'
  return `{ ${[...node.entries].map(([key, { value }]) => `${key}: ${textOf(value)}`).join(', ')} }`
}

function meaningOf(schema: Schema<unknown>, node: Node): string {
  const value = schema.read(node, new At([]))
  return value === INVALID ? textOf(node) : (JSON.stringify(value) ?? 'off')
}
