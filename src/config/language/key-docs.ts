import type { Field } from '../../schema/composites.ts'
import type { Schema } from '../../schema/schema.ts'
import { isObject } from '../../schema/walk.ts'
import type { Language } from './language.ts'

/** One key of the language, as the reference shows it. */
export interface KeyDoc {
  /** `routes.NAME.timeouts.request`; `[]` stands behind lists. */
  readonly path: string
  readonly expected: string
  readonly doc: string
  readonly required: boolean
  /** As it would be written; undefined: none. */
  readonly fallback: unknown
  /** It has keys of its own, which follow. */
  readonly group: boolean
}

/** Keys of later versions, by the path of the map that contains them; the root's path is empty. */
export type LaterKeys = ReadonlyMap<string, readonly string[]>

export interface KeyDocs {
  /** In the order of the definitions, each group before its keys. */
  readonly keys: readonly KeyDoc[]
  readonly later: LaterKeys
}

/** Maps of policies that stand under routes, too: told there. */
const ELSEWHERE: ReadonlySet<string> = new Set(['defaults.route', 'defaults.upstream', 'profiles'])

/** Every key of a config file, from the definitions that check it. */
export function keyDocs({ root }: Language): KeyDocs {
  const keys: KeyDoc[] = []
  const later = new Map<string, readonly string[]>()
  walk(root, '', keys, later)
  return { keys, later }
}

function walk(schema: Schema<unknown>, path: string, keys: KeyDoc[], later: Map<string, readonly string[]>): void {
  if (!isObject(schema)) {
    const seen = new Set<Schema<unknown>>()
    for (const { step, schema: inner } of schema.inner ?? []) {
      // One value or a list of such: the keys are listed once.
      if (!seen.has(inner)) walk(inner, path + step, keys, later)
      seen.add(inner)
    }
    return
  }
  if (schema.rules.later !== undefined) later.set(path, schema.rules.later)
  for (const [name, { schema: value, doc, required, fallback }] of Object.entries(schema.fields)) {
    const at = path === '' ? name : `${path}.${name}`
    const group = hasKeys(value) && !ELSEWHERE.has(at)
    keys.push({ path: at, expected: value.expected, doc, required, fallback, group })
    if (group) walk(value, at, keys, later)
  }
}

function hasKeys(schema: Field<unknown>['schema']): boolean {
  return isObject(schema) || (schema.inner ?? []).some((inner) => hasKeys(inner.schema))
}
