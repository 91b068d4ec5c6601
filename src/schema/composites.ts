import { suggestion } from './diagnostics.ts'
import { describe, type MapEntry, type MapNode, type Node, nodeOf } from './node.ts'
import { At, INVALID, type JsonSchema, mismatch, type Read, type Schema } from './schema.ts'

/** A key of an object: its values, what it is for, and what holds without it. */
export interface Field<T> {
  readonly schema: Schema<unknown>
  readonly doc: string
  readonly required: boolean
  /** As it would be written in the file; undefined: none. */
  readonly fallback: unknown
  /** @internal Carries the type. */
  readonly type?: T
}

/** A key that may be left out; its value is then undefined. */
export function optional<T>(schema: Schema<T>, doc: string): Field<T | undefined> {
  return { schema, doc, required: false, fallback: undefined }
}

export function required<T>(schema: Schema<T>, doc: string): Field<T> {
  return { schema, doc, required: true, fallback: undefined }
}

/** A key with a built-in default, given as it would be written in the file. */
export function withDefault<T>(schema: Schema<T>, fallback: unknown, doc: string): Field<T> {
  return { schema, doc, required: false, fallback }
}

export type Fields = Readonly<Record<string, Field<unknown>>>
export type ObjectOf<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never }

/** Further rules for an object's keys. */
export interface ObjectRules {
  /** Keys that are planned but not built: refused, so that a config does not rely on them. */
  readonly later?: readonly string[]
  /** Keys that belong elsewhere: what was probably meant. */
  readonly misplaced?: Readonly<Record<string, string>>
  /** Keys with this prefix are free. */
  readonly free?: string
}

/** An object schema keeps its fields, for docs and for merging. */
export interface ObjectSchema<F extends Fields> extends Schema<ObjectOf<F>> {
  readonly fields: F
  readonly rules: ObjectRules
}

/** A map with known keys. Unknown keys are errors with a suggestion; keys left out get their defaults. */
export function object<F extends Fields>(fields: F, rules: ObjectRules = {}): ObjectSchema<F> {
  const names = Object.keys(fields)
  const defaults = new Defaults(fields)
  const some = names.length > 6 ? `keys such as ${names.slice(0, 5).join(', ')}` : names.join(', ')
  const expected = names.length === 0 ? 'an empty map' : `a map with ${some}`
  return {
    fields,
    rules,
    expected,
    json: objectJson(fields, rules),
    read: (node, at) => readObject(node, at, { defaults, fields, rules, expected }) as Read<ObjectOf<F>>,
  }
}

/** The same keys, none required and none with a default: for values that are merged under others. */
export function partial(whole: Pick<ObjectSchema<Fields>, 'fields' | 'rules'>): Schema<unknown> {
  const fields = Object.fromEntries(
    Object.entries(whole.fields).map(([key, field]) => [key, optional(field.schema, field.doc)]),
  )
  return object(fields, whole.rules)
}

interface Definition {
  readonly defaults: Defaults
  readonly fields: Fields
  readonly rules: ObjectRules
  readonly expected: string
}

function readObject(node: Node, at: At, { defaults, expected, fields, rules }: Definition): Read<object> {
  if (node.kind !== 'map') return mismatch(node, at, expected, spaceHint(node))
  let valid = true
  const meant = new Set<string>()
  for (const [key, entry] of node.entries) {
    if (Object.hasOwn(fields, key)) continue
    if (rules.free !== undefined && key.startsWith(rules.free)) continue
    meant.add(unknownKey(key, entry, at, fields, rules))
    valid = false
  }
  const out: Record<string, unknown> = {}
  for (const [key, field] of Object.entries(fields)) {
    // Its value stands under another name, which has been reported.
    if (meant.has(key) && !node.entries.has(key)) continue
    const value = readField(node, at, key, field, defaults)
    if (value === INVALID) valid = false
    out[key] = value
  }
  return valid ? out : INVALID
}

function readField(node: MapNode, at: At, key: string, field: Field<unknown>, defaults: Defaults): unknown {
  const entry = node.entries.get(key)
  if (entry !== undefined) return field.schema.read(entry.value, at.key(key))
  if (field.fallback !== undefined) return defaults.of(key)
  if (!field.required) return undefined
  at.error(node.at, `${JSON.stringify(key)} is missing; it is ${field.schema.expected}`)
  return INVALID
}

/** Values of built-in defaults, read at first use: thousands of routes share them, and they never change. */
class Defaults {
  private readonly fields: Fields
  private readonly values = new Map<string, unknown>()

  constructor(fields: Fields) {
    this.fields = fields
  }

  of(key: string): unknown {
    if (!this.values.has(key)) this.values.set(key, builtIn(this.fields[key] as Field<unknown>))
    return this.values.get(key)
  }
}

function builtIn(field: Field<unknown>): unknown {
  const problems: never[] = []
  const value = field.schema.read(nodeOf(field.fallback), new At(problems))
  if (value === INVALID)
    throw new Error(`bad built-in default ${JSON.stringify(field.fallback)}: ${JSON.stringify(problems)}`)
  return value
}

/** Reports the unknown key. Returns the key of this map that was meant; empty if none is known. */
function unknownKey(key: string, entry: MapEntry, at: At, fields: Fields, rules: ObjectRules): string {
  const here = at.key(key)
  if (rules.later?.includes(key) === true) {
    here.error(entry.key, `not in this version of Sluice; remove it, it would have no effect`)
    return ''
  }
  const misplaced =
    rules.misplaced !== undefined && Object.hasOwn(rules.misplaced, key) ? rules.misplaced[key] : undefined
  const near = misplaced ?? suggestion(key, Object.keys(fields))
  const known = Object.keys(fields).join(', ')
  const there = known === '' ? 'none is known here' : `known are ${known}`
  here.error(entry.key, `unknown key; ${near === undefined ? there : `did you mean ${near}?`}`)
  return near?.split('.')[0] ?? ''
}

function spaceHint(node: Node): string {
  const glued = node.kind === 'scalar' && !node.quoted && /^[A-Za-z]\w*:[^\s/]|^[A-Za-z]\w*:\/(?!\/)/.test(node.text)
  return glued ? 'a space is missing after the colon' : ''
}

function objectJson(fields: Fields, rules: ObjectRules): JsonSchema {
  const properties: Record<string, unknown> = {}
  for (const [key, field] of Object.entries(fields)) {
    const fallback = field.fallback === undefined ? {} : { default: field.fallback }
    properties[key] = { ...field.schema.json, description: field.doc, ...fallback }
  }
  const needed = Object.keys(fields).filter((key) => fields[key]?.required === true)
  return {
    type: 'object',
    properties,
    ...(needed.length > 0 && { required: needed }),
    ...(rules.free !== undefined && { patternProperties: { [`^${rules.free}`]: {} } }),
    additionalProperties: false,
  }
}

/** A list of at least `min` values. */
export function list<T>(item: Schema<T>, min = 0): Schema<readonly T[]> {
  const expected = `a list, each ${item.expected}`
  return {
    expected,
    json: { type: 'array', items: item.json, ...(min > 0 && { minItems: min }) },
    inner: [{ step: '[]', schema: item }],
    read(node, at) {
      if (node.kind !== 'list')
        return mismatch(node, at, expected, node.kind === 'scalar' ? `write [${node.text}]` : '')
      if (node.items.length < min) {
        at.error(node.at, `an empty list; at least ${min} is needed`)
        return INVALID
      }
      const out: T[] = []
      let valid = true
      for (const [i, child] of node.items.entries()) {
        const value = item.read(child, at.index(i))
        if (value === INVALID) valid = false
        else out.push(value)
      }
      return valid ? out : INVALID
    },
  }
}

/** One value, or a list of at least `min`. */
export function oneOrMany<T>(item: Schema<T>, min = 1): Schema<readonly T[]> {
  const many = list(item, min)
  return {
    expected: `${item.expected}, or a list of such`,
    json: { anyOf: [item.json, many.json] },
    inner: [{ step: '', schema: item, reads: (node) => node.kind !== 'list' }, ...(many.inner ?? [])],
    read(node, at) {
      if (node.kind === 'list') return many.read(node, at)
      const isListed = node.kind === 'scalar' && node.text.includes(',')
      if (isListed && item.read(node, new At([])) === INVALID)
        return mismatch(node, at, `${item.expected}, or a list of such`, `write [${node.text}]`)
      const value = item.read(node, at)
      return value === INVALID ? INVALID : [value]
    },
  }
}

/** A map from names to values. */
export function map<T>(
  key: Schema<string>,
  value: Schema<T>,
  expected = `a map from ${key.expected} to ${value.expected}`,
): Schema<ReadonlyMap<string, T>> {
  return {
    expected,
    json: { type: 'object', additionalProperties: value.json },
    inner: [{ step: '.NAME', schema: value }],
    read(node, at) {
      if (node.kind !== 'map') return mismatch(node, at, expected)
      const out = new Map<string, T>()
      let valid = true
      for (const [text, entry] of node.entries) {
        const named = key.read(nodeOf(text, entry.key), at)
        const read = value.read(entry.value, at.key(text))
        if (named === INVALID || read === INVALID) valid = false
        else out.set(named, read)
      }
      return valid ? out : INVALID
    },
  }
}

/** `off` or `false` switches it off: undefined. */
export function offOr<T>(schema: Schema<T>): Schema<T | undefined> {
  const expected = schema.expected === 'off' ? 'off' : `${schema.expected}, or off`
  return {
    expected,
    json: { anyOf: [schema.json, { enum: ['off', false] }] },
    inner: [{ step: '', schema, reads: (node) => !isOff(node) }],
    read(node, at) {
      if (isOff(node)) return undefined
      const isMap = schema.json.type === 'object'
      if (node.kind === 'scalar' && (isMap || node.value === null)) return mismatch(node, at, expected)
      return schema.read(node, at)
    },
  }
}

/** Whether the node says off. */
export function isOff(node: Node): boolean {
  return node.kind === 'scalar' && (node.value === false || node.text === 'off')
}

/** The schema that belongs to the node's kind. */
export function byKind<T>(
  kinds: { scalar?: Schema<T>; map?: Schema<T>; list?: Schema<T> },
  expected = Object.values(kinds)
    .map((schema) => schema.expected)
    .join(', or '),
): Schema<T> {
  const choices = Object.values(kinds)
  return {
    expected,
    json: { anyOf: choices.map((schema) => schema.json) },
    inner: choices.map((schema) => ({ step: '', schema, reads: ({ kind }) => kinds[kind] === schema })),
    read(node, at) {
      const schema = kinds[node.kind]
      return schema === undefined ? mismatch(node, at, expected) : schema.read(node, at)
    },
  }
}

/** What was read, turned into something else; `change` may refuse by returning a problem's sentence. */
export function mapped<A, B>(
  schema: Schema<A>,
  change: (value: A, refuse: (why: string) => typeof INVALID, at: At) => Read<B>,
  expected = schema.expected,
): Schema<B> {
  return {
    expected,
    json: schema.json,
    inner: [{ step: '', schema }],
    read(node, at) {
      const value = schema.read(node, at)
      if (value === INVALID) return INVALID
      const refuse = (why: string): typeof INVALID => {
        at.error(node.at, node.kind === 'scalar' ? `${describe(node)}: ${why}` : why)
        return INVALID
      }
      return change(value, refuse, at)
    },
  }
}
