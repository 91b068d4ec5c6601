import type { Schema } from './schema.ts'
import { isObject } from './walk.ts'

/** How entries of a map at the root of a config are referred to. */
export interface CollectionRules {
  /** What one entry is: `upstream`; the kind that references name. */
  readonly of: string
  /** Files that are included under a name of their own may have it; its entries are `NAME.entry` then. */
  readonly named: boolean
  /** Its entries take part in serving: fences hold them, and the last good version of one can stand in for it. */
  readonly serves: boolean
  /** What references from behind a fence may name: `own` entries, those that `allow` lists as well, or any. */
  readonly reach: 'own' | 'listed' | 'any'
}

export interface Collection extends CollectionRules {
  /** Its key at the root: `upstreams`. */
  readonly key: string
}

/** A map by name at the root of a config, to which references lead. */
export function collection<T>(rules: CollectionRules, schema: Schema<T>): Schema<T> {
  return { ...schema, collection: rules }
}

/** The collections of a root, in the order of its keys. */
export function collectionsOf(root: Schema<unknown>): readonly Collection[] {
  const fields = isObject(root) ? Object.entries(root.fields) : []
  return fields.flatMap(([key, { schema }]) => (schema.collection === undefined ? [] : [{ key, ...schema.collection }]))
}
