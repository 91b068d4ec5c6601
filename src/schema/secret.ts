import { byKind, mapped, object, optional } from './composites.ts'
import { environmentName, filePath } from './mark.ts'
import { INVALID, type Schema } from './schema.ts'

/** Where a secret is; never the secret itself. */
export type SecretSource = { readonly file: string } | { readonly env: string }

/** A secret of a config, by where it is. A class, so that it is found wherever it stands. */
export class Secret {
  /** Its keys: `admin.auth.tokens[0].secret`. */
  readonly path: string
  readonly source: SecretSource
  /** Workers get a key that is made of it for this purpose; undefined: the secret. */
  readonly keyFor: string | undefined
  /** Put in for workers, by the control plane; empty everywhere else, and never shown. */
  readonly text: string = ''

  constructor(path: string, source: SecretSource, keyFor: string | undefined) {
    this.path = path
    this.source = source
    this.keyFor = keyFor
  }
}

/** A secret that is read at the start; a literal one is refused without showing it. `keyFor`: see {@link Secret}. */
export function secret({ keyFor }: { readonly keyFor?: string } = {}): Schema<Secret> {
  const shape = object({
    file: optional(filePath(), 'File that holds the secret, relative to the config file.'),
    env: optional(environmentName(), 'Environment value that holds the secret.'),
  })
  const source = mapped(shape, ({ file, env }, refuse, { path }) => {
    if (file !== undefined && env === undefined) return new Secret(path, { file }, keyFor)
    if (env !== undefined && file === undefined) return new Secret(path, { env }, keyFor)
    return refuse('exactly one of file and env is needed')
  })
  const literal: Schema<Secret> = {
    expected: 'a reference: { file: PATH } or { env: NAME }',
    json: { not: {} },
    read(node, at) {
      // The value is not shown: it may be a secret.
      at.secretError(node.at, 'secrets are never written into the config; expected { file: PATH } or { env: NAME }')
      return INVALID
    },
  }
  return { ...byKind({ map: source, scalar: literal, list: literal }, literal.expected), mark: { is: 'secret' } }
}
