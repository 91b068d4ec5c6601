import { existsSync } from 'node:fs'
import { isUnavailable } from '../../../core/link.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import { openState, stateFile } from '../../../stores/stores.ts'
import { Archive, type KeptConfig } from './archive.ts'
import { archivedFiles } from './archive-files.ts'
import { readLastGood } from './last-good-file.ts'

interface Around {
  readonly clock: Clock
  readonly log: Log
}

/** The latest config of a source that gateways have kept in these folders; `main`: see `ConfigSource`. */
export async function latestOf(
  stateDirs: readonly string[],
  main: string,
  around: Around,
): Promise<KeptConfig | undefined> {
  const latest: (KeptConfig | undefined)[] = []
  for (const dir of stateDirs) {
    const last = await readLastGood(dir)
    // If it is of another source, that of this one may be in the history, or in the files of an earlier version.
    if (last?.main === main) latest.push(last)
    else latest.push((await stored(stateFile(dir), main, around)) ?? (await archived(dir, main)))
  }
  return latest
    .filter((config) => config !== undefined)
    .toSorted((a, b) => a.savedAt.localeCompare(b.savedAt))
    .at(-1)
}

async function archived(dir: string, main: string): Promise<KeptConfig | undefined> {
  return (await archivedFiles(dir)).findLast((config) => config.main === main)
}

async function stored(file: string, main: string, { clock, log }: Around): Promise<KeptConfig | undefined> {
  // A gateway that never ran here has nothing, and gets no file.
  if (!existsSync(file)) return undefined
  try {
    const state = await openState(file, { clock, log })
    const latest = await new Archive(state.store).latest(main)
    await state.close()
    if (!isUnavailable(latest)) return latest
    log.warn('the configs that a gateway has kept cannot be read', { file, reason: latest.unavailable })
  } catch (error) {
    log.warn('the configs that a gateway has kept cannot be read', { file, problem: (error as Error).message })
  }
  return undefined
}
