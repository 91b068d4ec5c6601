import type { ValueCondition } from '../../core/config.ts'
import type { FieldNames, FlatHeaders } from '../../lib/headers.ts'
import { byteString } from '../../lib/percent.ts'
import { LinearRegex } from '../../lib/regex.ts'

/** A compiled {@link ValueCondition}. */
export interface Predicate {
  /** Byte string. */
  readonly name: string
  /** What must hold for one of the values; undefined: the name must be absent. */
  readonly holds: ((value: string) => boolean) | undefined
  /** Its source. */
  readonly condition: ValueCondition
}

/** Throws {@link RegexError}. */
export function compilePredicate(condition: ValueCondition): Predicate {
  const wanted = byteString(condition.value)
  const name = byteString(condition.name)
  switch (condition.op) {
    case 'present':
      return { name, condition, holds: () => true }
    case 'absent':
      return { name, condition, holds: undefined }
    case 'exact':
      return { name, condition, holds: (value) => value === wanted }
    case 'prefix':
      return { name, condition, holds: (value) => value.startsWith(wanted) }
    case 'suffix':
      return { name, condition, holds: (value) => value.endsWith(wanted) }
    case 'contains':
      return { name, condition, holds: (value) => value.includes(wanted) }
    case 'regex': {
      const regex = new LinearRegex(condition.value)
      return { name, condition, holds: (value) => regex.test(value) }
    }
  }
}

/** Whether every predicate holds. A field that is sent several times holds if one of its lines does. */
export function headersHold(predicates: readonly Predicate[], headers: FlatHeaders, names: FieldNames): boolean {
  for (const { name, holds } of predicates) {
    let found = false
    for (let i = 0; i < headers.length && !found; i += 2) {
      found = names.lower(headers[i] as string) === name && (holds === undefined || holds(headers[i + 1] as string))
    }
    if (found === (holds === undefined)) return false
  }
  return true
}

/** Whether every predicate holds. A key that is given several times holds if one of its values does. */
export function queryHolds(predicates: readonly Predicate[], pairs: readonly string[]): boolean {
  for (const { name, holds } of predicates) {
    let found = false
    for (let i = 0; i < pairs.length && !found; i += 2) {
      found = pairs[i] === name && (holds === undefined || holds(pairs[i + 1] as string))
    }
    if (found === (holds === undefined)) return false
  }
  return true
}
