import type { Diagnostic } from './diagnostics.ts'
import { describe, type Node, type Position } from './node.ts'

/** JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** Where reading stands: the path of keys, and who takes what is wrong. */
export class At {
  readonly path: string
  private readonly diagnostics: Diagnostic[]

  constructor(diagnostics: Diagnostic[], path = '') {
    this.diagnostics = diagnostics
    this.path = path
  }

  key(name: string): At {
    const plain = /^[A-Za-z_][\w-]*$/.test(name)
    const step = plain ? name : JSON.stringify(name)
    return new At(this.diagnostics, this.path === '' ? step : `${this.path}.${step}`)
  }

  index(i: number): At {
    return new At(this.diagnostics, `${this.path}[${i}]`)
  }

  error(at: Position, message: string): void {
    this.diagnostics.push({ severity: 'error', at, path: this.path, message })
  }

  /** Of a value that may be a secret: its line is not quoted. */
  secretError(at: Position, message: string): void {
    this.diagnostics.push({ severity: 'error', at, path: this.path, message, secret: true })
  }
}

/** A value could not be read; why is in the diagnostics. */
export const INVALID: unique symbol = Symbol('invalid')
export type Read<T> = T | typeof INVALID

/**
 * What values of a key may be. One definition gives the TypeScript type, the reading with its errors, the JSON Schema and
 * the reference docs.
 */
export interface Schema<T> {
  read(node: Node, at: At): Read<T>
  readonly json: JsonSchema
  /** What is expected, for messages and docs: `a duration such as 250ms, 5s or 1m`. */
  readonly expected: string
  /** What stands inside, for the reference: an object's keys are found through it. */
  readonly inner?: readonly Inner[]
}

/** A schema inside another one. `step`: what a path gains, `.NAME` or `[]`; empty where it is the same value. */
export interface Inner {
  readonly step: '' | '.NAME' | '[]'
  readonly schema: Schema<unknown>
}

/** The TypeScript type of what a schema reads. */
export type Infer<S> = S extends Schema<infer T> ? T : never

/** Says that `node` is not what was expected. */
export function mismatch(node: Node, at: At, expected: string, hint = ''): typeof INVALID {
  const hints = [hint, ...(node.kind === 'scalar' && node.value === null ? [nullHint(expected)] : [])]
  at.error(node.at, [`${describe(node)} is not ${expected}`, ...hints.filter((text) => text !== '')].join('; '))
  return INVALID
}

function nullHint(expected: string): string {
  return expected.endsWith('or off')
    ? 'to switch it off write off, for the default leave the key out'
    : 'give it a value or leave the key out'
}
