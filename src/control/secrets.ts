import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Config } from '../config/config.ts'
import type { AdminToken } from './admin/tokens.ts'

type Env = Readonly<Record<string, string | undefined>>

/** A secret that the config points to is not there. The message names the key, never the secret. */
export class SecretMissing extends Error {}

/** The tokens of `admin.auth` with their secrets; undefined: the config has none. Rejects with {@link SecretMissing}. */
export async function readTokens({ admin, file }: Config, env: Env): Promise<readonly AdminToken[] | undefined> {
  if (admin.tokens === undefined) return undefined
  return Promise.all(
    admin.tokens.map(async ({ name, role, secret: reference }) => {
      const secret = 'env' in reference ? env[reference.env] : await fromFile(resolve(dirname(file), reference.file))
      // An empty secret would let everybody in who sends an empty token.
      if (!secret?.trim()) throw new SecretMissing(`admin.auth.tokens: the secret of ${name} is not there or empty`)
      return { name, role, secret: secret.trim() }
    }),
  )
}

async function fromFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return undefined
  }
}
