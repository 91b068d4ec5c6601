import { createHash, createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { CollectorConfig, Config } from '../../../config/language/config.ts'
import type { LeanConfig } from '../../../core/config.ts'
import type { Role } from '../../../core/operation.ts'
import type { Path } from '../../../schema/path.ts'
import type { Secret, SecretSource } from '../../../schema/secret.ts'

type Env = Readonly<Record<string, string | undefined>>

/** A secret that the config refers to is missing. The message names the key, never the secret. */
export class SecretMissing extends Error {}

/** A token of `admin.auth` with its secret. */
export interface AdminToken {
  readonly name: string
  readonly role: Role
  readonly secret: string
}

/** The tokens of `admin.auth` with their secrets; undefined: the config has none. Rejects with {@link SecretMissing}. */
export async function readTokens({ admin, folder }: Config, env: Env): Promise<readonly AdminToken[] | undefined> {
  if (admin.tokens === undefined) return undefined
  return Promise.all(
    admin.tokens.map(async ({ name, role, secret }) => ({ name, role, secret: await textOf(secret, folder, env) })),
  )
}

/** What workers get: the config with the texts of its secrets, or keys made of them. Rejects with {@link SecretMissing}. */
export async function withSecrets({ folder, lean, secrets }: Config, env: Env): Promise<LeanConfig> {
  const placed = secrets.flatMap(({ place, secret }) => (place === undefined ? [] : [{ place, secret }]))
  const texts = await Promise.all(
    placed.map(async ({ place, secret }) => ({
      place,
      secret: { ...secret, text: await textFor(secret, folder, env) },
    })),
  )
  return put(lean, texts, 0)
}

interface Placed {
  readonly place: Path
  readonly secret: Secret
}

/** Each secret at its place below `value`, which is `depth` steps into them; what leads there is copied once. */
function put<T>(value: T, secrets: readonly Placed[], depth: number): T {
  const [first] = secrets
  if (first === undefined) return value
  if (first.place.length === depth) return first.secret as T
  const steps = Map.groupBy(secrets, ({ place }) => place[depth] as string | number)
  if (value instanceof Map) {
    const copy = new Map(value)
    for (const [step, inside] of steps) copy.set(step, put(copy.get(step), inside, depth + 1))
    return copy as T
  }
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string | number, unknown>
  for (const [step, inside] of steps) copy[step] = put(copy[step], inside, depth + 1)
  return copy as T
}

async function textFor(secret: Secret, folder: string, env: Env): Promise<string> {
  const text = await textOf(secret, folder, env)
  return secret.keyFor === undefined ? text : createHmac('sha256', text).update(secret.keyFor).digest('base64url')
}

/** The header fields for a collector, flat. Rejects with {@link SecretMissing}. */
export async function collectorHeaders(
  { headers }: CollectorConfig,
  folder: string,
  env: Env,
): Promise<Readonly<Record<string, string>>> {
  const fields = headers.map(async ({ name, secret }) => [name, await textOf(secret, folder, env)] as const)
  return Object.fromEntries(await Promise.all(fields))
}

/** Absolute paths of the files that hold secrets of a config. */
export function secretFiles({ folder, secrets }: Config): readonly string[] {
  return secrets.flatMap(({ secret: { source } }) => ('file' in source ? [resolve(folder, source.file)] : []))
}

/** Differs when one of the secrets does; reveals nothing about them. */
export async function secretsDigest({ folder, secrets }: Config, env: Env): Promise<string> {
  const texts = await Promise.all(secrets.map(({ secret }) => read(secret.source, folder, env)))
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex')
}

/** Rejects with {@link SecretMissing}: an empty secret would admit all who send an empty one. */
async function textOf({ path, source }: Secret, folder: string, env: Env): Promise<string> {
  const text = await read(source, folder, env)
  if (text === '') throw new SecretMissing(`${path}: the secret is not there or empty`)
  return text
}

/** Without space around it; empty where there is none. */
async function read(source: SecretSource, folder: string, env: Env): Promise<string> {
  const secret = 'env' in source ? env[source.env] : await fromFile(resolve(folder, source.file))
  return secret?.trim() ?? ''
}

async function fromFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return undefined
  }
}
