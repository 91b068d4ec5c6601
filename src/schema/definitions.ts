import type { JsonSchema } from './schema.ts'

/** Shorter ones stay where they are: a reference would say no less. */
const LEAST_CHARS = 160

/**
 * The same schema with what occurs in several places written once, under `$defs`. What a place says of its own (description and
 * default) stands beside the reference.
 */
export function withDefinitions(whole: JsonSchema): JsonSchema {
  const repeats = new Repeats(whole)
  const defs: Record<string, JsonSchema> = {}
  for (const [name, json] of repeats.named()) defs[name] = repeats.shortened(json)
  return { ...repeats.shortened(whole), $defs: defs }
}

type Keys = readonly string[]

interface Met {
  readonly json: JsonSchema
  /** That lead to the first place. */
  readonly keys: Keys
  count: number
}

class Repeats {
  /** By what they mean, in the order in which they are met. */
  private readonly met = new Map<string, Met>()
  private readonly names = new Map<string, string>()

  constructor(whole: JsonSchema) {
    this.meet(whole, [])
    const taken = new Set<string>()
    for (const [text, { count, keys }] of this.met) {
      if (count < 2) continue
      const name = nameOf(keys, taken)
      taken.add(name)
      this.names.set(text, name)
    }
  }

  *named(): Iterable<readonly [name: string, json: JsonSchema]> {
    for (const [text, name] of this.names) yield [name, (this.met.get(text) as Met).json]
  }

  /** With references in the place of the repeated schemas inside it. */
  shortened(json: JsonSchema): JsonSchema {
    return withInner(json, [], (inner) => {
      const { bare, own } = parts(inner)
      const name = this.names.get(JSON.stringify(bare))
      return name === undefined ? this.shortened(inner) : { $ref: `#/$defs/${name}`, ...own }
    })
  }

  /** What stands inside a repeated one is repeated because of it, and is met once. */
  private meet(json: JsonSchema, keys: Keys): void {
    withInner(json, keys, (inner, at) => {
      const { bare } = parts(inner)
      const text = JSON.stringify(bare)
      const known = this.met.get(text)
      if (known !== undefined) known.count++
      else {
        if (text.length >= LEAST_CHARS) this.met.set(text, { json: bare, keys: at, count: 1 })
        this.meet(inner, at)
      }
      return inner
    })
  }
}

/** The last key that leads to it, with as many before as are needed to tell it from others. */
function nameOf(keys: Keys, taken: ReadonlySet<string>): string {
  for (let count = 1; count <= keys.length; count++) {
    const name = keys.slice(-count).join('.')
    if (!taken.has(name)) return name
  }
  return `${keys.join('.')}.${taken.size}`
}

/** What a schema means, and what its place says of it. */
function parts(json: JsonSchema): { readonly bare: JsonSchema; readonly own: JsonSchema } {
  const { default: fallback, description, ...bare } = json
  return {
    bare,
    own: { ...(description !== undefined && { description }), ...('default' in json && { default: fallback }) },
  }
}

/** With the schemas directly inside it changed. `keys`: that lead to it. */
function withInner(json: JsonSchema, keys: Keys, change: (inner: JsonSchema, keys: Keys) => JsonSchema): JsonSchema {
  const entries = Object.entries(json).map(([word, value]): readonly [string, unknown] => {
    if (word === 'properties' || word === 'patternProperties') {
      const named = Object.entries(value as Readonly<Record<string, JsonSchema>>)
      return [word, Object.fromEntries(named.map(([name, one]) => [name, change(one, [...keys, name])]))]
    }
    if (word === 'anyOf') return [word, (value as readonly JsonSchema[]).map((one) => change(one, keys))]
    const isSchema = (word === 'items' || word === 'additionalProperties') && typeof value === 'object'
    return [word, isSchema ? change(value as JsonSchema, keys) : value]
  })
  return Object.fromEntries(entries)
}
