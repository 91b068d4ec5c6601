import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { StoredRow, StoredRows } from '../calls/row-engine.ts'

/** A row of a table as SQLite returns it. */
interface Columns {
  readonly key: string
  readonly value: Uint8Array
  readonly version: number
  readonly expires_at: number
}

/** Rows in a table of a database. */
export class SqliteRows implements StoredRows {
  private readonly reading: StatementSync
  private readonly writing: StatementSync
  private readonly removing: StatementSync
  private readonly scanning: StatementSync
  private readonly sweeping: StatementSync

  constructor(db: DatabaseSync, table: 'entries' | 'leases') {
    this.reading = db.prepare(`SELECT key, value, version, expires_at FROM ${table} WHERE key = ?`)
    this.writing = db.prepare(
      `INSERT INTO ${table} (key, value, version, expires_at) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT (key) DO UPDATE SET value = ?2, version = ?3, expires_at = ?4`,
    )
    this.removing = db.prepare(`DELETE FROM ${table} WHERE key = ?`)
    this.scanning = db.prepare(
      `SELECT key, value, version, expires_at FROM ${table}
       WHERE key >= ?1 AND key > ?2 AND expires_at > ?3 ORDER BY key LIMIT ?4`,
    )
    // Both conditions: the second one is that of the index.
    this.sweeping = db.prepare(
      `DELETE FROM ${table} WHERE rowid IN
       (SELECT rowid FROM ${table} WHERE expires_at <= ?1 AND expires_at < 9e999 LIMIT ?2)`,
    )
  }

  read(key: string): StoredRow | undefined {
    const columns = this.reading.get(key)
    return columns === undefined ? undefined : rowOf(columns as unknown as Columns)
  }

  write(key: string, { expiresAt, value, version }: StoredRow): void {
    this.writing.run(key, value, version, expiresAt)
  }

  remove(key: string): void {
    this.removing.run(key)
  }

  *scan(prefix: string, after: string | undefined, limit: number, now: number): Iterable<readonly [string, StoredRow]> {
    for (const each of this.scanning.iterate(prefix, after ?? '', now, limit)) {
      const columns = each as unknown as Columns
      // What begins with a prefix stands together.
      if (!columns.key.startsWith(prefix)) return
      yield [columns.key, rowOf(columns)]
    }
  }

  /** Removes at most `most` rows that have expired; returns how many it did. */
  sweep(now: number, most: number): number {
    return Number(this.sweeping.run(now, most).changes)
  }
}

function rowOf({ expires_at, value, version }: Columns): StoredRow {
  return { value, version, expiresAt: expires_at }
}
