import { createHash, createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Config } from '../config/config.ts'
import type { LeanConfig, UpstreamConfig } from '../core/config.ts'
import type { SecretReference } from '../schema/secret.ts'
import type { AdminToken } from './admin/tokens.ts'

type Env = Readonly<Record<string, string | undefined>>

/** A secret that the config points to is not there. The message names the key, never the secret. */
export class SecretMissing extends Error {}

/** The tokens of `admin.auth` with their secrets; undefined: the config has none. Rejects with {@link SecretMissing}. */
export async function readTokens({ admin, folder }: Config, env: Env): Promise<readonly AdminToken[] | undefined> {
  if (admin.tokens === undefined) return undefined
  return Promise.all(
    admin.tokens.map(async ({ name, role, secret: reference }) => {
      // An empty secret would let everybody in who sends an empty token.
      const secret = await read(reference, folder, env)
      if (secret === '') throw new SecretMissing(`admin.auth.tokens: the secret of ${name} is not there or empty`)
      return { name, role, secret }
    }),
  )
}

/** What workers get: the config with the keys of sticky cookies. Rejects with {@link SecretMissing}. */
export async function withKeys({ folder, lean }: Config, env: Env): Promise<LeanConfig> {
  const upstreams = lean.upstreams.map(async (upstream): Promise<UpstreamConfig> => {
    const { balancing, name } = upstream
    if (balancing.sticky === undefined) return upstream
    const secret = await read(balancing.sticky.secret, folder, env)
    if (secret === '')
      throw new SecretMissing(`upstreams.${name}.loadBalancing.sticky: the secret is not there or empty`)
    const key = createHmac('sha256', secret).update('sluice sticky cookie').digest('base64url')
    return { ...upstream, balancing: { ...balancing, sticky: { ...balancing.sticky, key } } }
  })
  return { ...lean, upstreams: await Promise.all(upstreams) }
}

/** Absolute paths of the files that hold secrets of a config. */
export function secretFiles({ admin, folder, lean }: Config): readonly string[] {
  return referencesOf(admin.tokens, lean).flatMap((reference) =>
    'file' in reference ? [resolve(folder, reference.file)] : [],
  )
}

/** Differs when one of the secrets does; tells nothing about them. */
export async function secretsDigest({ admin, folder, lean }: Config, env: Env): Promise<string> {
  const secrets = await Promise.all(referencesOf(admin.tokens, lean).map((reference) => read(reference, folder, env)))
  return createHash('sha256').update(JSON.stringify(secrets)).digest('hex')
}

function referencesOf(tokens: Config['admin']['tokens'], { upstreams }: LeanConfig): readonly SecretReference[] {
  const keys = upstreams.flatMap(({ balancing }) => (balancing.sticky === undefined ? [] : [balancing.sticky.secret]))
  return [...(tokens ?? []).map(({ secret }) => secret), ...keys]
}

/** Without space around it; empty where there is none. */
async function read(reference: SecretReference, folder: string, env: Env): Promise<string> {
  const secret = 'env' in reference ? env[reference.env] : await fromFile(resolve(folder, reference.file))
  return secret?.trim() ?? ''
}

async function fromFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return undefined
  }
}
