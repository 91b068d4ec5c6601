import { deserialize, serialize } from 'node:v8'
import type { Kept } from '../../../config/judge/keep-good.ts'
import type { Config } from '../../../config/language/config.ts'
import type { Documents } from '../../../config/sources/source.ts'
import type { RouteConfig, UpstreamConfig } from '../../../core/config.ts'
import type { Diagnostic } from '../../../schema/diagnostics.ts'
import type { WrittenConfig } from '../../../tools/explain/model.ts'

/** Entries that are read at once: some milliseconds. */
const PART_ENTRIES = 100

/** A config and what was written; threads have the language themselves. */
export type SealedParts = Omit<WrittenConfig, 'language'>

/** A config and its tree in bytes, in memory that all threads share: it can be passed on without being read. */
export type Sealed = Uint8Array

/** What a reading led to. `config` and `written` are undefined if the config was refused. */
export interface Judgement {
  readonly config: Config | undefined
  readonly written: Sealed | undefined
  /** Errors, then warnings, one line each. */
  readonly problems: readonly string[]
  /** The same as values, where there are places to tell. */
  readonly diagnostics: readonly Diagnostic[]
  readonly kept: readonly Kept[]
  /** See `Loaded`. */
  readonly sources: readonly string[]
  readonly documents: Documents
}

/** The same on its way between threads: reading a large config at once would block the loop for as long as judging it. */
export type VerdictMessage = Omit<Judgement, 'config'> & { readonly config: readonly Uint8Array[] | undefined }

export function seal({ config, tree }: SealedParts): Sealed {
  const bytes = serialize({ config, tree })
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
  shared.set(bytes)
  return shared
}

export function unseal(sealed: Sealed): SealedParts {
  return deserialize(Buffer.from(sealed)) as SealedParts
}

/** A config in parts. */
export function packConfig({ lean, ...rest }: Config): readonly Uint8Array[] {
  const { routes, upstreams } = lean
  const head = { ...rest, lean: { ...lean, routes: [], upstreams: [] } }
  return [
    serialize(head),
    ...portions(upstreams).map((part) => serialize({ upstreams: part, routes: [] })),
    ...portions(routes).map((part) => serialize({ upstreams: [], routes: part })),
  ]
}

/** The config again, frozen. Lets the loop turn after each part. */
export async function unpackConfig(parts: readonly Uint8Array[], turn: () => Promise<void>): Promise<Config> {
  const [head, ...more] = parts as [Uint8Array, ...Uint8Array[]]
  const config = deserialize(head) as Config
  const upstreams: UpstreamConfig[] = []
  const routes: RouteConfig[] = []
  for (const part of more) {
    await turn()
    const read = deserialize(part) as { upstreams: UpstreamConfig[]; routes: RouteConfig[] }
    upstreams.push(...deepFreeze(read.upstreams))
    routes.push(...deepFreeze(read.routes))
  }
  const lean = { ...config.lean, upstreams: Object.freeze(upstreams), routes: Object.freeze(routes) }
  return deepFreeze({ ...config, lean })
}

function portions<T>(list: readonly T[]): T[][] {
  const count = Math.ceil(list.length / PART_ENTRIES)
  return Array.from({ length: count }, (_, i) => list.slice(i * PART_ENTRIES, (i + 1) * PART_ENTRIES))
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const child of Object.values(value)) deepFreeze(child)
  return value
}
