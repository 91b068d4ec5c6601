import { byKind, mapped, object, optional } from './composites.ts'
import { text } from './scalars.ts'
import { INVALID, type Schema } from './schema.ts'

/** Where a secret is; never the secret itself. */
export type SecretReference = { readonly file: string } | { readonly env: string }

/** A secret that is read at the start; a literal one is refused without showing it. */
export function secretReference(): Schema<SecretReference> {
  const shape = object({
    file: optional(text('a path'), 'File that holds the secret, relative to the config file.'),
    env: optional(text('the name of an environment value'), 'Environment value that holds the secret.'),
  })
  const reference = mapped(shape, ({ file, env }, refuse) => {
    if (file !== undefined && env === undefined) return { file }
    if (env !== undefined && file === undefined) return { env }
    return refuse('exactly one of file and env is needed')
  })
  const literal: Schema<SecretReference> = {
    expected: 'a reference: { file: PATH } or { env: NAME }',
    json: { not: {} },
    read(node, at) {
      // The value is not shown: it may be a secret.
      at.secretError(node.at, 'secrets are never written into the config; expected { file: PATH } or { env: NAME }')
      return INVALID
    },
  }
  return byKind({ map: reference, scalar: literal, list: literal }, literal.expected)
}
