import type { CollectionRules } from './collection.ts'
import type { Diagnostic } from './diagnostics.ts'
import { describe, type Node, type Position } from './node.ts'
import type { TemplateParameters } from './template.ts'

/** JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** A file that a config refers to: its text, or why it could not be read. */
export interface FileContent {
  readonly text: string
  readonly problem?: string
}

/** The files that a config refers to. */
export interface Files {
  /** Paths in the config are relative to it. */
  readonly folder: string
  /** Of those whose text is a part of the config, by path as written. */
  readonly contents: ReadonlyMap<string, FileContent>
}

/** Where reading stands: the path of keys, who takes what is wrong, and the files that the config refers to. */
export class At {
  readonly path: string
  /** undefined: the config is looked at without them. */
  readonly files: Files | undefined
  private readonly diagnostics: Diagnostic[]

  constructor(diagnostics: Diagnostic[], path = '', files?: Files) {
    this.diagnostics = diagnostics
    this.path = path
    this.files = files
  }

  key(name: string): At {
    const plain = /^[A-Za-z_][\w-]*$/.test(name)
    const step = plain ? name : JSON.stringify(name)
    return new At(this.diagnostics, this.path === '' ? step : `${this.path}.${step}`, this.files)
  }

  index(i: number): At {
    return new At(this.diagnostics, `${this.path}[${i}]`, this.files)
  }

  error(at: Position, message: string): void {
    this.diagnostics.push({ severity: 'error', at, path: this.path, message })
  }

  /** For a value that may be a secret: its line is not quoted. */
  secretError(at: Position, message: string): void {
    this.diagnostics.push({ severity: 'error', at, path: this.path, message, secret: true })
  }
}

/** A value could not be read; the diagnostics say why. */
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
  /** What stands inside but for an object's fields: all that walks over schemas goes through it. */
  readonly inner?: readonly Inner[]
  readonly mark?: SchemaMark
  /** Of a map at the root. */
  readonly collection?: CollectionRules
}

/** A schema inside another one. `step`: what a path gains, `.NAME` or `[]`; empty where it is the same value. */
export interface Inner {
  readonly step: '' | '.NAME' | '[]'
  readonly schema: Schema<unknown>
  /** Which values it reads; undefined: all. */
  readonly reads?: (node: Node) => boolean
}

/** What others must know of a value that a schema reads; `marksIn` finds all of them. */
export type SchemaMark =
  /** The name of an entry of a root collection; `to`: its kind, such as `upstream`. */
  | { readonly is: 'reference'; readonly to: string }
  /** The path of a file. `read`: its text is a part of the config. `served`: workers read it while they run. */
  | { readonly is: 'file'; readonly read: boolean; readonly served?: true }
  /** An address, which is the path of a socket where it begins with `unix:` (`unixPath`). */
  | { readonly is: 'address' }
  /** A port that is asked in the place of each endpoint's own. */
  | { readonly is: 'endpointPort' }
  /** The name of an environment value. */
  | { readonly is: 'environment' }
  /** Where a secret is: the map around a file or an environment value. */
  | { readonly is: 'secret' }
  /** A text that may name values of a request. */
  | { readonly is: 'template'; readonly params: TemplateParameters }

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
