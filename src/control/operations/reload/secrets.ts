import { createHash, createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { CollectorConfig, Config } from '../../../config/language/config.ts'
import type { LeanConfig, UpstreamConfig } from '../../../core/config.ts'
import type { SecretReference } from '../../../schema/secret.ts'
import type { AdminToken } from '../../admin/tokens.ts'

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

/** The header fields for a collector, flat. Rejects with {@link SecretMissing}. */
export async function collectorHeaders(
  { headers }: CollectorConfig,
  folder: string,
  env: Env,
): Promise<Readonly<Record<string, string>>> {
  const fields = headers.map(async ({ name, secret: reference }) => {
    const secret = await read(reference, folder, env)
    if (secret === '') throw new SecretMissing(`otlp.headers: the secret of ${name} is not there or empty`)
    return [name, secret] as const
  })
  return Object.fromEntries(await Promise.all(fields))
}

/** Absolute paths of the files that hold secrets of a config. */
export function secretFiles(config: Config): readonly string[] {
  return referencesOf(config).flatMap((reference) =>
    'file' in reference ? [resolve(config.folder, reference.file)] : [],
  )
}

/** Differs when one of the secrets does; tells nothing about them. */
export async function secretsDigest(config: Config, env: Env): Promise<string> {
  const secrets = await Promise.all(referencesOf(config).map((reference) => read(reference, config.folder, env)))
  return createHash('sha256').update(JSON.stringify(secrets)).digest('hex')
}

function referencesOf({ admin, lean, telemetry }: Config): readonly SecretReference[] {
  const keys = lean.upstreams.flatMap(({ balancing }) =>
    balancing.sticky === undefined ? [] : [balancing.sticky.secret],
  )
  const collectors = [telemetry.spans, telemetry.metrics].flatMap((collector) => collector?.headers ?? [])
  return [...(admin.tokens ?? []), ...collectors].map(({ secret }) => secret).concat(keys)
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
