import type { ValueCondition } from '../../core/config.ts'
import { mayHoldSecret } from '../../lib/secret-names.ts'
import { HIDDEN } from './secrets.ts'

/** A condition in words; secrets are hidden. `hidden`: further values that must not be shown. */
export function conditionText({ name, op, value }: ValueCondition, hidden: ReadonlySet<string>): string {
  if (op === 'present' || op === 'absent') return `${name} ${op}`
  return `${name} ${op} ${mayHoldSecret(name) || hidden.has(value) ? HIDDEN : JSON.stringify(value)}`
}

/** What was there instead. */
export function seenText(name: string, value: string | undefined): string {
  if (value === undefined) return `no ${name}`
  return mayHoldSecret(name) ? HIDDEN : JSON.stringify(value)
}
