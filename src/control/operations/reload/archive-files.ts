import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isUnavailable } from '../../../core/link.ts'
import type { Log } from '../../../lib/log.ts'
import type { Archive, KeptConfig } from './archive.ts'
import { readKeptFile } from './last-good-file.ts'

/** In the state directory, where earlier versions kept a file for each config. */
const FOLDER = 'configs'
const NAME = /^(\d{6,12})\.json$/

/** The configs that an earlier version kept, the oldest first. */
export async function archivedFiles(stateDir: string): Promise<readonly KeptConfig[]> {
  const folder = join(stateDir, FOLDER)
  const names = await readdir(folder).catch(() => [])
  const kept = await Promise.all(
    names.filter((name) => NAME.test(name)).map((name) => readKeptFile(join(folder, name))),
  )
  return kept.filter((config) => config !== undefined).toSorted((a, b) => a.number - b.number)
}

/**
 * Takes over what an earlier version kept in files.
 *
 * @param durable the archive outlives this process: the files are not needed any more
 */
export async function takeOverFiles(
  stateDir: string,
  archive: Archive,
  { durable, log }: { readonly durable: boolean; readonly log: Pick<Log, 'info' | 'warn'> },
): Promise<void> {
  const configs = await archivedFiles(stateDir)
  if (configs.length === 0) return
  const folder = join(stateDir, FOLDER)
  const failed = await archive.takeOver(configs)
  if (isUnavailable(failed)) {
    log.warn('the history of configs cannot be taken over from its files', { folder, reason: failed.unavailable })
    return
  }
  if (!durable) return
  await rm(folder, { recursive: true, force: true }).catch(() => {})
  log.info('the history of configs was taken over from its files', { folder, configs: configs.length })
}
