import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { type Unavailable, unavailable } from '../../core/link.ts'
import type { StoreAnswer } from '../calls/call.ts'
import { RowEngine } from '../calls/row-engine.ts'
import { FULL, isBroken, sqliteCode } from './database.ts'
import type { TimedCall } from './messages.ts'
import { SqliteRows } from './sqlite-rows.ts'

export type EngineAnswer = StoreAnswer | Unavailable

export interface SqliteEngineOptions {
  readonly db: DatabaseSync
  /** See `firstVersion`. */
  readonly firstVersion: number
  /** A call failed that should not. */
  readonly fault: (error: unknown) => void
}

/** Rows that have expired and leave, per call of a batch: more than come, so that they never pile up. */
const SWEPT_PER_CALL = 4
const SWEPT_WHEN_FULL = 10_000
/** Bytes that the answers to a batch may take; the first one always may. */
const ANSWER_BYTES = 16 * 1_048_576

/**
 * A store in a database. Calls come in batches, each is one transaction: the disk is waited for once for all of them. When
 * `answer` returns, what was written is on disk.
 */
export class SqliteEngine {
  private readonly db: DatabaseSync
  private readonly entries: SqliteRows
  private readonly leases: SqliteRows
  private readonly engine: RowEngine
  private readonly fault: (error: unknown) => void
  private readonly begin: StatementSync
  private readonly commit: StatementSync
  private readonly keepVersion: StatementSync
  private version: number
  /** Whether the transaction has given versions. */
  private hasWritten = false

  constructor({ db, fault, firstVersion }: SqliteEngineOptions) {
    this.db = db
    this.fault = fault
    this.entries = new SqliteRows(db, 'entries')
    this.leases = new SqliteRows(db, 'leases')
    this.begin = db.prepare('BEGIN')
    this.commit = db.prepare('COMMIT')
    this.keepVersion = db.prepare('UPDATE versions SET latest = ?')
    this.version = Math.max(Number(db.prepare('SELECT latest FROM versions').get()?.latest), firstVersion)
    this.engine = new RowEngine({
      entries: this.entries,
      leases: this.leases,
      nextVersion: () => {
        this.hasWritten = true
        return ++this.version
      },
    })
  }

  /** Bytes of the file. */
  get bytes(): number {
    const { page_count: pages, page_size: size } = this.db
      .prepare('SELECT page_count, page_size FROM pragma_page_count, pragma_page_size')
      .get() as { readonly page_count: number; readonly page_size: number }
    return pages * size
  }

  /**
   * In the order of the calls; fewer than there are calls if they would take too many bytes. Throws only when the database
   * is broken: none of them has taken place then.
   */
  answer(batch: readonly TimedCall[]): readonly EngineAnswer[] {
    try {
      return this.transaction(batch)
    } catch (error) {
      this.undo(error)
    }
    // One of them cannot be done: the others must not share its fate.
    return firstOf(batch, (call) => this.alone(call))
  }

  /** Moves all of the log into the file, and empties it. */
  tidy(): void {
    this.db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  }

  private transaction(batch: readonly TimedCall[]): readonly EngineAnswer[] {
    this.hasWritten = false
    this.begin.run()
    const answers = firstOf(batch, ({ at, call }) => this.engine.answer(call, at))
    if (this.hasWritten) {
      this.sweep(batch.at(-1)?.at ?? 0, SWEPT_PER_CALL * batch.length)
      this.keepVersion.run(this.version)
    }
    this.commit.run()
    return answers
  }

  private alone(call: TimedCall): EngineAnswer {
    for (let mayRepeat = true; ; mayRepeat = false) {
      try {
        return this.transaction([call])[0]
      } catch (error) {
        this.undo(error)
        if (sqliteCode(error) === FULL) {
          if (mayRepeat && this.makeRoom(call.at)) continue
          return unavailable('full')
        }
        this.fault(error)
        return unavailable('failed')
      }
    }
  }

  /** Whether there was something to throw away. */
  private makeRoom(now: number): boolean {
    try {
      return this.sweep(now, SWEPT_WHEN_FULL) > 0
    } catch (error) {
      this.undo(error)
      return false
    }
  }

  private sweep(now: number, most: number): number {
    return this.entries.sweep(now, most) + this.leases.sweep(now, most)
  }

  /** After some errors SQLite has rolled back already. */
  private undo(error: unknown): void {
    if (this.db.isTransaction) this.db.exec('ROLLBACK')
    if (isBroken(error)) throw error
  }
}

function firstOf(batch: readonly TimedCall[], answerOf: (call: TimedCall) => EngineAnswer): readonly EngineAnswer[] {
  const answers: EngineAnswer[] = []
  let bytes = 0
  for (const call of batch) {
    const answer = answerOf(call)
    answers.push(answer)
    bytes += bytesOf(answer)
    if (bytes >= ANSWER_BYTES) break
  }
  return answers
}

/** Of the values in an answer; all else is small. */
function bytesOf(answer: EngineAnswer): number {
  if (typeof answer !== 'object') return 0
  if ('value' in answer) return answer.value.byteLength
  // Arrays have a method of this name.
  if (!('after' in answer)) return 0
  return answer.entries.reduce((bytes, { value }) => bytes + value.byteLength, 0)
}
