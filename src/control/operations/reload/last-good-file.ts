import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Random } from '../../../lib/random.ts'
import { writeWhole } from '../../../lib/write-whole.ts'
import { CONFIG_ORIGINS, type KeptConfig } from './archive.ts'

/** In the folder of the gateway. */
const FILE = 'last-good.json'

type LastGoodConfig = Omit<KeptConfig, 'number'>

/**
 * Writes the latest config that was live into a file of its own, beside the history: a start that needs it may be one at
 * which the store cannot be opened. The function rejects where that cannot be done.
 *
 * @param stateDir undefined: nothing is kept on disk
 */
export function lastGoodIn(stateDir: string | undefined, random: Random): (config: LastGoodConfig) => Promise<void> {
  return async (config) => {
    if (stateDir === undefined) return
    await writeWhole(join(stateDir, FILE), JSON.stringify({ number: 0, ...config }), 0o600, random.uint32())
  }
}

/** undefined: there is none, or it cannot be read. */
export function readLastGood(stateDir: string): Promise<KeptConfig | undefined> {
  return readKeptFile(join(stateDir, FILE))
}

/** A config in a file. undefined: it is torn, or no config. */
export async function readKeptFile(file: string): Promise<KeptConfig | undefined> {
  try {
    const kept = JSON.parse(await readFile(file, 'utf8')) as Partial<KeptConfig> | null
    return isKept(kept) ? kept : undefined
  } catch {
    return undefined
  }
}

function isKept(kept: Partial<KeptConfig> | null): kept is KeptConfig {
  if (typeof kept?.number !== 'number' || typeof kept.documents !== 'object' || kept.documents === null) return false
  const texts = [kept.hash, kept.savedAt, kept.main, ...Object.values(kept.documents)]
  return texts.every((text) => typeof text === 'string') && CONFIG_ORIGINS.some((origin) => origin === kept.source)
}
