import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { Archive, KeptConfig } from './archive.ts'

/** A config that is live. */
export type LiveConfigTexts = Omit<KeptConfig, 'number' | 'savedAt'>

export interface KeepingOptions {
  readonly archive: Pick<Archive, 'keep'>
  /** The archive outlives the process. */
  readonly durable: boolean
  /** See `lastGoodIn`. */
  readonly lastGood: (config: Omit<KeptConfig, 'number'>) => Promise<void>
  readonly clock: Clock
  readonly log: Pick<Log, 'warn'>
}

/** Keeps configs that are live, for `rollback` and `--last-known-good`. Returns whether one is in the history, on disk. */
export function keeping({ archive, clock, durable, lastGood, log }: KeepingOptions) {
  return async (live: LiveConfigTexts): Promise<boolean> => {
    const config = { ...live, savedAt: new Date(clock.wall()).toISOString() }
    await lastGood(config).catch((error) => log.warn('the config could not be kept as the last good one', { error }))
    const failed = await archive.keep(config)
    if (failed === undefined) return durable
    log.warn('the config could not be kept in the history', { reason: failed.unavailable })
    return false
  }
}
