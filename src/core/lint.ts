import type { Path } from '../schema/path.ts'

/** Something in a config that is valid and has an effect that cannot be intended. */
export interface Finding {
  readonly path: Path
  /** What happens, and what would be right; it follows the path. */
  readonly message: string
  /** Reported at the last key of the path, not at its value. */
  readonly atKey?: true
  /** The line holds a secret. */
  readonly secret?: true
}

/** Looks at a config without errors. `example` and `better` are YAML of which only the first is found. `C`: what it reads. */
export interface LintRule<C> {
  /** Kebab-case, never changed: comments in config files name it. */
  readonly name: string
  /** One sentence: what it finds. */
  readonly finds: string
  readonly why: string
  /** What to do about it. */
  readonly remedy: string
  readonly example: string
  readonly better: string
  run(context: C): readonly Finding[]
}
