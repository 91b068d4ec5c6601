import { suggestion } from '../schema/diagnostics.ts'

/** Says what is wrong with a value of a module; `at`: its place in there. */
export type Say = (at: string, message: string) => void
export type ShapeCheck = (value: unknown, at: string, say: Say) => void

const MOST_SHOWN = 60

function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object'
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text
}

export function must(holds: (value: unknown) => boolean, expected: string): ShapeCheck {
  return (value, at, say) => {
    if (!holds(value)) say(at, `${shown(value)} is not ${expected}`)
  }
}

export const sentence: ShapeCheck = must((value) => typeof value === 'string' && value.trim() !== '', 'a text')
export const func: ShapeCheck = must((value) => typeof value === 'function', 'a function')
export const flag: ShapeCheck = must((value) => typeof value === 'boolean', 'true or false')

export function one(...values: readonly unknown[]): ShapeCheck {
  return must((value) => values.includes(value), `one of ${values.map(String).join(', ')}`)
}

export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A list of which each entry passes. */
export function listOf(of: ShapeCheck): ShapeCheck {
  return (value, at, say) => {
    if (!Array.isArray(value)) return say(at, `${shown(value)} is not a list`)
    for (const [i, entry] of value.entries()) of(entry, `${at}[${i}]`, say)
  }
}

/** A table of rows by name. */
export function table(of: ShapeCheck): ShapeCheck {
  return (value, at, say) => {
    if (!isTable(value)) return say(at, `${shown(value)} is not an object`)
    for (const [name, row] of Object.entries(value)) of(row, `${at}.${name}`, say)
  }
}

/** An object with these members and no others; those of `needed` must be there. */
export function having(checks: Readonly<Record<string, ShapeCheck>>, needed: readonly string[] = []): ShapeCheck {
  return (value, at, say) => {
    if (!isTable(value)) return say(at, `${shown(value)} is not an object`)
    const below = (name: string): string => (at === '' ? name : `${at}.${name}`)
    for (const name of needed) if (value[name] === undefined) say(below(name), 'is missing')
    for (const [name, member] of Object.entries(value)) {
      const check = Object.hasOwn(checks, name) ? checks[name] : undefined
      if (check === undefined) {
        const near = suggestion(name, Object.keys(checks))
        say(
          below(name),
          `is no member of it; ${near === undefined ? `there are ${Object.keys(checks).join(', ')}` : `did you mean ${near}?`}`,
        )
      } else if (member !== undefined) check(member, below(name), say)
    }
  }
}
