import { resolve } from 'node:path'
import { HttpSource } from '../config/sources/http.ts'
import { type SigningKey, signingKey } from '../config/sources/signature.ts'
import type { ConfigSource } from '../config/sources/source.ts'
import { configUrl } from '../config/sources/url.ts'
import { systemClock } from '../lib/clock.ts'
import { systemRandom } from '../lib/random.ts'
import { GatewayError } from './gateway-error.ts'

const EVERY_MS = 30_000
const SHORTEST_MS = 100

/** A config behind a URL, as `sluice run URL` takes it: see docs/operations/config-sources.md. */
export interface HttpSourceSettings {
  /** `https:`; `http:` for a loopback address, or with `keys` and without a token. */
  readonly url: string | URL
  /** Milliseconds between two looks, from 100; each differs by up to a tenth. Default: 30,000. */
  readonly every?: number
  /** Asked at each look for what is sent as `Authorization: Bearer …`. Default: nothing is sent. */
  readonly token?: () => string | Promise<string>
  /** PEM of the authorities that are trusted. Default: those that Node trusts. */
  readonly ca?: string
  /** PEM of ed25519 public keys: one of them must have signed the text, its signature is at the URL with `.sig`. Default: none. */
  readonly keys?: readonly string[]
  /** The folder below which files are that the config may name. Default: it may name none. */
  readonly files?: string
  /** Environment values that the config may use. Default: none. */
  readonly env?: readonly string[]
}

/**
 * The config behind a URL, looked at periodically, for one gateway at a time. Throws a {@link GatewayError} of code `options` if
 * it can never be read so.
 */
export function httpSource(settings: HttpSourceSettings): ConfigSource {
  const { ca, env = [], every = EVERY_MS, files, keys = [], token } = settings
  const signing = keys.map(keyOf)
  const url = configUrl(String(settings.url), { signed: signing.length > 0, token: token !== undefined })
  if (typeof url === 'string') throw new GatewayError('options', `url: ${url}`)
  if (!(every >= SHORTEST_MS)) throw new GatewayError('options', `every is ${every}; it is at least ${SHORTEST_MS} ms`)
  return new HttpSource({
    url,
    every,
    keys: signing,
    credentials: async () => ({ ca, token: await token?.() }),
    fence: { files: files === undefined ? undefined : resolve(files), env },
    clock: systemClock,
    random: systemRandom(),
    // What it would say is in the status of its gateway.
    log: { info: () => {}, warn: () => {} },
  })
}

function keyOf(pem: string): SigningKey {
  const key = signingKey(pem)
  if (typeof key === 'string') throw new GatewayError('options', `keys: ${key}`)
  return key
}
