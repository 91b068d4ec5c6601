import type { Fields, ObjectSchema } from './composites.ts'
import type { MapEntry, MapNode, Node } from './node.ts'
import type { Path } from './path.ts'
import type { Schema, SchemaMark } from './schema.ts'

/** Whether a schema is one of a map with known keys. */
export function isObject(schema: Schema<unknown>): schema is ObjectSchema<Fields> {
  return 'fields' in schema
}

/** A value that its schema marks. */
export interface Marked {
  readonly mark: SchemaMark
  readonly node: Node
  /** From where the walk began. */
  readonly path: Path
}

/** Every reference, secret, file and address in what was written, however deep; the value need not be a valid one. */
export function marksIn(schema: Schema<unknown>, node: Node): readonly Marked[] {
  const found: Marked[] = []
  changeMarks(schema, node, (one) => {
    found.push(one)
    return one.node
  })
  return found
}

/** The same value with those that its schema marks changed. */
export function changeMarks(schema: Schema<unknown>, node: Node, change: (found: Marked) => Node): Node {
  return new Walk(change).value(schema, node, [])
}

class Walk {
  private readonly change: (found: Marked) => Node
  private readonly known = new Map<Schema<unknown>, boolean>()

  constructor(change: (found: Marked) => Node) {
    this.change = change
  }

  value(schema: Schema<unknown>, node: Node, path: Path): Node {
    if (!this.isMarked(schema)) return node
    let value = schema.mark === undefined ? node : this.change({ mark: schema.mark, node, path })
    if (isObject(schema) && value.kind === 'map')
      value = this.entries(value, path, (key) =>
        Object.hasOwn(schema.fields, key) ? schema.fields[key]?.schema : undefined,
      )
    for (const { reads, schema: inner, step } of schema.inner ?? []) {
      if (reads?.(value) === false) continue
      if (step === '') value = this.value(inner, value, path)
      else if (step === '.NAME' && value.kind === 'map') value = this.entries(value, path, () => inner)
      else if (step === '[]' && value.kind === 'list') value = this.items(value, path, inner)
    }
    return value
  }

  private entries(map: MapNode, path: Path, of: (key: string) => Schema<unknown> | undefined): Node {
    let entries: Map<string, MapEntry> | undefined
    for (const [key, entry] of map.entries) {
      const schema = of(key)
      const value = schema === undefined ? entry.value : this.value(schema, entry.value, [...path, key])
      if (value === entry.value) continue
      entries ??= new Map(map.entries)
      entries.set(key, { ...entry, value })
    }
    return entries === undefined ? map : { ...map, entries }
  }

  private items(list: Node & { kind: 'list' }, path: Path, schema: Schema<unknown>): Node {
    const items = list.items.map((item, i) => this.value(schema, item, [...path, i]))
    return items.some((item, i) => item !== list.items[i]) ? { ...list, items } : list
  }

  /** Whether there is anything to be found: most of a config is passed over. */
  private isMarked(schema: Schema<unknown>): boolean {
    const known = this.known.get(schema)
    if (known !== undefined) return known
    const fields = isObject(schema) ? Object.values(schema.fields) : []
    const inside = [...fields, ...(schema.inner ?? [])]
    const marked = schema.mark !== undefined || inside.some((one) => this.isMarked(one.schema))
    this.known.set(schema, marked)
    return marked
  }
}
