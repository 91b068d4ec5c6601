import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { DatabasePlace, NotOpened } from './messages.ts'

/** "Slui": tells a file of ours from any other. */
const APPLICATION_ID = 0x53_6c_75_69
/** Of the tables below; a file of a later one is left alone. */
const SCHEMA = 1
const PAGE_BYTES = 4096
/** What the file may have beside it. */
const WAL = '-wal'

const ROWS = '(key TEXT PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL, expires_at REAL NOT NULL) STRICT'
const TABLES = `
  CREATE TABLE entries ${ROWS};
  CREATE INDEX entries_expiry ON entries (expires_at) WHERE expires_at < 9e999;
  CREATE TABLE leases ${ROWS};
  CREATE INDEX leases_expiry ON leases (expires_at) WHERE expires_at < 9e999;
  CREATE TABLE versions (latest INTEGER NOT NULL) STRICT;
  INSERT INTO versions VALUES (0);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA};`

export interface OpenedDatabase {
  readonly db: DatabaseSync
  /** Where the file is now that was there and cannot be read; undefined: there was none. */
  readonly setAside: string | undefined
}

/** Of an error of SQLite the primary result code, https://sqlite.org/rescode.html; undefined: it is none of SQLite. */
export function sqliteCode(error: unknown): number | undefined {
  const { code, errcode } = (error ?? {}) as { readonly code?: unknown; readonly errcode?: unknown }
  return code === 'ERR_SQLITE_ERROR' && typeof errcode === 'number' ? errcode & 0xff : undefined
}

const BUSY = 5
const CORRUPT = 11
export const FULL = 13
const NOT_A_DATABASE = 26

export function isBroken(error: unknown): boolean {
  const code = sqliteCode(error)
  return code === CORRUPT || code === NOT_A_DATABASE
}

/** Opens the file for this process alone, or makes it. One that is broken is set aside, and a new one made. */
export function openDatabase(place: DatabasePlace): OpenedDatabase | NotOpened {
  try {
    if (!place.broken) return openedOrRefused(place, undefined)
  } catch (error) {
    if (!isBroken(error)) return refusal(error, place.file)
  }
  try {
    return openedOrRefused(place, setAside(place.file))
  } catch (error) {
    return refusal(error, place.file)
  }
}

function openedOrRefused({ bytes, file }: DatabasePlace, aside: string | undefined): OpenedDatabase | NotOpened {
  create(file)
  const db = new DatabaseSync(file, { timeout: 0 })
  try {
    // Before the first look into the log: then its index is in this process, and no other can open the file until this
    // one has ended, by whatever means.
    db.exec('PRAGMA locking_mode = EXCLUSIVE')
    db.exec('BEGIN EXCLUSIVE; COMMIT')
    const wrong = wrongFile(db)
    if (wrong !== undefined) {
      db.close()
      return wrong
    }
    db.exec('PRAGMA journal_mode = WAL')
    // A commit has returned when it is on disk.
    db.exec('PRAGMA synchronous = FULL')
    db.exec(`PRAGMA max_page_count = ${Math.floor(bytes / PAGE_BYTES)}`)
    check(db)
    if (pragma(db, 'user_version') === 0) db.exec(`BEGIN;${TABLES}COMMIT`)
    return { db, setAside: aside }
  } catch (error) {
    db.close()
    throw error
  }
}

/**
 * Readable by its owner only. Never opens a file that is there: to close it would give up the lock that another opening of
 * this process has on it (POSIX locks belong to the process).
 */
function create(file: string): void {
  if (existsSync(file)) return
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  closeSync(openSync(file, 'ax', 0o600))
}

function wrongFile(db: DatabaseSync): NotOpened | undefined {
  const [id, version] = [pragma(db, 'application_id'), pragma(db, 'user_version')]
  const isEmpty = pragma(db, 'schema_version') === 0
  if (id !== APPLICATION_ID && !isEmpty) return { refused: 'foreign', message: 'it is a database of another program' }
  if (version > SCHEMA) return { refused: 'newer', message: `it was written by a newer Sluice (schema ${version})` }
  return undefined
}

/** Throws what a broken file makes SQLite throw. */
function check(db: DatabaseSync): void {
  const found = db.prepare('PRAGMA quick_check(1)').get()
  if (found?.quick_check === 'ok') return
  throw Object.assign(new Error(String(found?.quick_check)), { code: 'ERR_SQLITE_ERROR', errcode: CORRUPT })
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name])
}

/** One at most is kept: the disk must not fill with them. */
function setAside(file: string): string {
  const aside = `${file}.broken`
  rmSync(aside + WAL, { force: true })
  renameSync(file, aside)
  if (existsSync(file + WAL)) renameSync(file + WAL, aside + WAL)
  return aside
}

function refusal(error: unknown, file: string): NotOpened {
  if (sqliteCode(error) === BUSY) return { refused: 'locked', message: 'another process has it open' }
  return { refused: 'failed', message: `${(error as Error).message} (${file})` }
}
