import { join } from 'node:path'
import type { Store } from '../../src/core/store.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { StoreClient } from '../../src/stores/calls/client.ts'
import { Hints } from '../../src/stores/calls/hints.ts'
import { SqliteStore, type SqliteStoreOptions, sqliteEntry } from '../../src/stores/sqlite/sqlite-store.ts'
import { ManualClock } from './clock.ts'
import { madeFolder } from './folder.ts'
import { type MemoryLog, memoryLog } from './log.ts'

export interface OpenedSqlite {
  readonly engine: SqliteStore
  readonly store: Store
  of(prefix: string): Store
  readonly log: MemoryLog
  readonly file: string
  /** Time of the store: stands still until it is told to advance. */
  readonly wall: ManualClock
}

/** A store in a new folder, or the refusal to open it. */
export async function trySqlite(
  folder: string,
  changed: Partial<SqliteStoreOptions> = {},
  wall: ManualClock = new ManualClock(),
): Promise<OpenedSqlite | { readonly refused: string; readonly message: string }> {
  const log = memoryLog()
  const file = join(folder, 'store.db')
  const engine = await SqliteStore.open({
    file,
    bytes: 256 * 1_048_576,
    deadlineMs: 30_000,
    entry: sqliteEntry(),
    clock: { ...systemClock, wall: () => wall.wall() },
    log,
    ...changed,
  })
  if ('refused' in engine) return engine
  const hints = new Hints(() => {})
  const of = (prefix: string): Store => new StoreClient(engine.send, hints, prefix)
  return { engine, store: of(''), of, log, file, wall }
}

export async function openedSqlite(...args: Parameters<typeof trySqlite>): Promise<OpenedSqlite> {
  const opened = await trySqlite(...args)
  if ('refused' in opened) throw new Error(`${opened.refused}: ${opened.message}`)
  return opened
}

/** Runs `check` with a folder that is gone afterwards. */
export function inFolder(check: (folder: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const folder = madeFolder()
    try {
      await check(folder.path)
    } finally {
      folder.remove()
    }
  }
}
