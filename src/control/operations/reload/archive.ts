import { type Documents, SOURCE_KINDS } from '../../../config/sources/source.ts'
import { readCommand } from '../../../core/command.ts'
import { isUnavailable, type Unavailable } from '../../../core/link.ts'
import type { Store } from '../../../core/store.ts'
import { object, required } from '../../../schema/composites.ts'
import { integer, oneOf, text } from '../../../schema/scalars.ts'
import type { Infer } from '../../../schema/schema.ts'
import { readTexts, removeTexts, textBytes, writeTexts } from './archive-texts.ts'

/** In the store of the gateway: facts by number. They are written last and removed last. */
const FACTS = 'configs/facts/'
const MOST_KEPT = 20
/** Of the texts of all; the latest is kept in any case. */
const MOST_BYTES = 64 * 1_048_576

/** How a config came to be live: it is the one of its source, or was put in its place. */
export const CONFIG_ORIGINS = [...SOURCE_KINDS, 'api', 'rollback', 'last-known-good'] as const
export type ConfigOrigin = (typeof CONFIG_ORIGINS)[number]

/** A config that was live, as it was written: secrets are references, environment values their names. */
export interface KeptConfig {
  /** Counts up for as long as the state directory lives. */
  readonly number: number
  readonly hash: string
  /** RFC 3339. */
  readonly savedAt: string
  readonly source: ConfigOrigin
  /** See `ConfigSource`. */
  readonly main: string
  readonly documents: Documents
}

export type KeptFacts = Omit<KeptConfig, 'documents' | 'main'>

const KEPT = object({
  hash: required(text(), 'Of the config.'),
  savedAt: required(text(), 'RFC 3339.'),
  source: required(oneOf(...CONFIG_ORIGINS), 'How it came to be live.'),
  main: required(text(), 'See `ConfigSource`.'),
  bytes: required(integer(1, 512 * 1_048_576), 'Of its texts; no store has room for more.'),
  digest: required(text(), 'Of its texts.'),
})

/** What stands under a number; `facts` undefined: it cannot be read. */
interface Numbered {
  readonly number: number
  readonly facts: Infer<typeof KEPT> | undefined
}

/** The configs that were live: `rollback` and `--last-known-good` return to them. */
export class Archive {
  private readonly store: Store

  /** As the gateway itself uses it. */
  constructor(store: Store) {
    this.store = store
  }

  /** Keeps a config; one that equals the latest is kept already. undefined: it is kept. */
  async keep(config: Omit<KeptConfig, 'number'>): Promise<Unavailable | undefined> {
    const kept = await this.numbered()
    if (isUnavailable(kept)) return kept
    const latest = kept.at(-1)
    if (latest?.facts?.hash === config.hash && latest.facts.main === config.main) {
      if ((await this.read(latest.number)) !== undefined) return undefined
    }
    const added = await this.add({ number: (latest?.number ?? 0) + 1, ...config })
    return added ?? this.bound()
  }

  /** Those of another archive, the oldest first: their numbers stay, if there are no larger ones. undefined: all are kept. */
  async takeOver(configs: readonly KeptConfig[]): Promise<Unavailable | undefined> {
    const kept = await this.numbered()
    if (isUnavailable(kept)) return kept
    let next = (kept.at(-1)?.number ?? 0) + 1
    for (const config of configs) {
      // A process was killed while it did the same.
      if (kept.some(({ facts }) => facts?.hash === config.hash && facts.savedAt === config.savedAt)) continue
      const number = Math.max(next, config.number)
      const failed = await this.add({ ...config, number })
      if (failed !== undefined) return failed
      next = number + 1
    }
    return this.bound()
  }

  /** The latest first. */
  async list(): Promise<readonly KeptFacts[] | Unavailable> {
    const kept = await this.numbered()
    if (isUnavailable(kept)) return kept
    return kept.toReversed().flatMap(({ facts, number }) => {
      if (facts === undefined) return []
      const { hash, savedAt, source } = facts
      return [{ number, hash, savedAt, source }]
    })
  }

  /** undefined: there is none of this number, or it cannot be read. */
  async read(number: number): Promise<KeptConfig | undefined | Unavailable> {
    const entry = await this.store.get(factsKey(number))
    if (entry === undefined || isUnavailable(entry)) return entry
    const facts = factsOf(entry.value)
    if (facts === undefined) return undefined
    const documents = await readTexts(this.store, number, facts)
    if (documents === undefined || isUnavailable(documents)) return documents
    const { hash, main, savedAt, source } = facts
    return { number, hash, savedAt, source, main, documents }
  }

  /** The last known good one of a source; `main`: see `ConfigSource`. undefined: none was ever kept. */
  async latest(main: string): Promise<KeptConfig | undefined | Unavailable> {
    const kept = await this.numbered()
    if (isUnavailable(kept)) return kept
    for (const { facts, number } of kept.toReversed()) {
      if (facts?.main !== main) continue
      const config = await this.read(number)
      if (config !== undefined) return config
    }
    return undefined
  }

  private async add({ documents, number, ...facts }: KeptConfig): Promise<Unavailable | undefined> {
    const bytes = textBytes(documents)
    const written = await writeTexts(this.store, number, bytes)
    if (isUnavailable(written)) return written
    const value = Buffer.from(JSON.stringify({ ...facts, ...written }))
    const done = await this.store.put(factsKey(number), value)
    return isUnavailable(done) ? done : undefined
  }

  /** Removes the oldest. */
  private async bound(): Promise<Unavailable | undefined> {
    const kept = await this.numbered()
    if (isUnavailable(kept)) return kept
    let bytes = 0
    for (const [i, { facts, number }] of kept.toReversed().entries()) {
      bytes += facts?.bytes ?? 0
      if (i === 0 || (i < MOST_KEPT && bytes <= MOST_BYTES)) continue
      const failed = await removeTexts(this.store, number)
      if (failed !== undefined) return failed
      const done = await this.store.delete(factsKey(number))
      if (isUnavailable(done)) return done
    }
    return undefined
  }

  /** From small to large; few more than are kept. */
  private async numbered(): Promise<readonly Numbered[] | Unavailable> {
    const page = await this.store.scan(FACTS, { limit: 2 * MOST_KEPT })
    if (isUnavailable(page)) return page
    return page.entries.map(({ key, value }) => ({ number: Number(key.slice(FACTS.length)), facts: factsOf(value) }))
  }
}

function factsKey(number: number): string {
  return `${FACTS}${String(number).padStart(12, '0')}`
}

function factsOf(value: Uint8Array): Numbered['facts'] {
  try {
    return readCommand(KEPT, JSON.parse(Buffer.from(value).toString('utf8')))
  } catch {
    return undefined
  }
}
