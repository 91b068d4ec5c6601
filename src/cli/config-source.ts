import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { filesSource } from '../config/sources/files.ts'
import { HttpSource } from '../config/sources/http.ts'
import { type SigningKey, signingKey } from '../config/sources/signature.ts'
import type { ConfigSource } from '../config/sources/source.ts'
import { configUrl, isUrl } from '../config/sources/url.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { systemRandom } from '../lib/random.ts'
import { nodeOf } from '../schema/node.ts'
import { duration } from '../schema/scalars.ts'
import { At, INVALID } from '../schema/schema.ts'
import { type Io, Misused } from './io.ts'
import type { Parsed } from './options.ts'

/** Flags of a config that comes from a URL. */
export const SOURCE_OPTIONS = {
  'config-ca': { type: 'string' },
  'config-env': { type: 'string', multiple: true },
  'config-every': { type: 'string' },
  'config-files': { type: 'string' },
  'config-key': { type: 'string', multiple: true },
  'config-token-file': { type: 'string' },
} as const

const TOKEN_ENV = 'SLUICE_CONFIG_TOKEN'
const EVERY = '30s'

/** The source that a command was told, by a path or a URL. Rejects with {@link Misused}. */
export async function configSource(
  name: string,
  flags: Parsed['flags'],
  { env }: Io,
  log: Pick<Log, 'info' | 'warn'> = SILENT,
  clock: Clock = systemClock,
): Promise<ConfigSource> {
  if (!isUrl(name)) {
    const alien = Object.keys(SOURCE_OPTIONS).find((flag) => flags[flag] !== undefined)
    if (alien !== undefined) throw new Misused(`--${alien} is for a config from a URL; ${name} is a path`)
    return filesSource(name)
  }
  const one = (flag: keyof typeof SOURCE_OPTIONS): string | undefined => flags[flag] as string | undefined
  const many = (flag: keyof typeof SOURCE_OPTIONS): readonly string[] => (flags[flag] ?? []) as readonly string[]
  const keys = await Promise.all(many('config-key').map(keyOf))
  const [ca, tokenFile, files] = [one('config-ca'), one('config-token-file'), one('config-files')]
  const token = tokenFile !== undefined || env[TOKEN_ENV] !== undefined
  const url = configUrl(name, { signed: keys.length > 0, token })
  if (typeof url === 'string') throw new Misused(`${withoutSecrets(name)}: ${url}`)
  return new HttpSource({
    url,
    keys,
    every: everyOf(one('config-every') ?? EVERY),
    credentials: async () => ({
      ca: ca === undefined ? undefined : await textOf(ca),
      token: tokenFile === undefined ? env[TOKEN_ENV] : (await textOf(tokenFile)).trim(),
    }),
    fence: { files: files === undefined ? undefined : resolve(files), env: many('config-env') },
    clock,
    random: systemRandom(),
    log,
  })
}

const SILENT: Pick<Log, 'info' | 'warn'> = { info: () => {}, warn: () => {} }

async function keyOf(file: string): Promise<SigningKey> {
  const pem = await textOf(file).catch((error: Error) => {
    throw new Misused(`--config-key ${error.message}`)
  })
  const key = signingKey(pem)
  if (typeof key === 'string') throw new Misused(`--config-key ${file}: ${key}`)
  return key
}

/** Rejects with an error that names the file. */
async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Error(`${file}: it cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

function everyOf(text: string): number {
  const every = duration(1_000, 86_400_000).read(nodeOf(text), new At([]))
  if (every === INVALID) throw new Misused(`--config-every ${text} is not a duration from 1s to 1d, such as 30s`)
  return every
}

/** A URL that cannot be used may hold a password. */
function withoutSecrets(name: string): string {
  return name.replace(/\/\/[^/]*@/, '//').replace(/\?.*$/s, '')
}
