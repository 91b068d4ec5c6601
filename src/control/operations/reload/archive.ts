import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Documents } from '../../../config/sources/source.ts'
import { SOURCE_KINDS } from '../../../config/sources/source.ts'
import type { Random } from '../../../lib/random.ts'
import { writeWhole } from '../../../lib/write-whole.ts'

/** In the folder of the gateway. */
const FOLDER = 'configs'
const MOST_KEPT = 20
const NAME = /^(\d{6,12})\.json$/

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

/** The latest that several archives have of a source; `main`: see `ConfigSource`. */
export async function latestOf(stateDirs: readonly string[], main: string): Promise<KeptConfig | undefined> {
  const latest = await Promise.all(stateDirs.map((dir) => new Archive(dir).latest()))
  return latest
    .flatMap((kept) => (kept?.main === main ? kept : []))
    .toSorted((a, b) => a.savedAt.localeCompare(b.savedAt))
    .at(-1)
}

/** The configs that were live, on disk: `rollback` and `--last-known-good` return to them. */
export class Archive {
  private readonly folder: string | undefined

  /** `stateDir`: undefined: none is kept. */
  constructor(stateDir: string | undefined) {
    this.folder = stateDir && join(stateDir, FOLDER)
  }

  /** Keeps a config; one that equals the latest is kept already. Rejects when the folder cannot be written. */
  async keep(config: Omit<KeptConfig, 'number'>, random: Random): Promise<void> {
    const { folder } = this
    if (folder === undefined) return
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const numbers = await this.numbers()
    const latest = await this.read(numbers.at(-1))
    if (latest?.hash === config.hash && latest.main === config.main) return
    const number = (numbers.at(-1) ?? 0) + 1
    const kept: KeptConfig = { number, ...config }
    await writeWhole(fileOf(folder, number), JSON.stringify(kept), 0o600, random.uint32())
    for (const old of numbers.slice(0, Math.max(0, numbers.length + 1 - MOST_KEPT)))
      await rm(fileOf(folder, old), { force: true })
    await tidy(folder)
  }

  /** The latest first. */
  async list(): Promise<readonly KeptFacts[]> {
    const kept = await Promise.all((await this.numbers()).reverse().map((number) => this.read(number)))
    return kept.flatMap((config) => {
      if (config === undefined) return []
      const { number, hash, savedAt, source } = config
      return [{ number, hash, savedAt, source }]
    })
  }

  /** undefined: there is none of this number. */
  async read(number: number | undefined): Promise<KeptConfig | undefined> {
    if (number === undefined || this.folder === undefined) return undefined
    try {
      return JSON.parse(await readFile(fileOf(this.folder, number), 'utf8')) as KeptConfig
    } catch {
      return undefined
    }
  }

  /** The last known good one; undefined: none was ever kept. */
  async latest(): Promise<KeptConfig | undefined> {
    for (const number of (await this.numbers()).reverse()) {
      const kept = await this.read(number)
      if (kept !== undefined) return kept
    }
    return undefined
  }

  /** From small to large. */
  private async numbers(): Promise<number[]> {
    const names = this.folder === undefined ? [] : await readdir(this.folder).catch(() => [])
    return names
      .flatMap((name) => NAME.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b)
  }
}

function fileOf(folder: string, number: number): string {
  return join(folder, `${String(number).padStart(6, '0')}.json`)
}

/** Removes what a process left that was killed while it wrote. */
async function tidy(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (!NAME.test(name)) await rm(join(folder, name), { force: true })
}
