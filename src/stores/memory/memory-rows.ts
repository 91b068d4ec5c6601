import { byBytes } from '../../lib/byte-order.ts'
import type { StoredRow, StoredRows } from '../calls/row-engine.ts'

/** What an entry takes besides key and value, roughly. */
const ENTRY_BYTES = 200
/** StoredRows that each write looks at, so that those that have expired leave before any other must. */
const SWEPT = 4

/** There is no room for a row. */
export class NoRoom extends Error {}

export interface MemoryRowsOptions {
  /** Bytes that all rows may take. */
  readonly bytes: number
  /** Whether the rows that were written first make room for others. */
  readonly evicts: boolean
  readonly now: () => number
}

/** StoredRows in memory, in the order in which they were written. */
export class MemoryRows implements StoredRows {
  /** Bytes that the rows take. */
  bytes = 0
  /** StoredRows that made room for others before they expired. */
  evicted = 0
  private readonly rows = new Map<string, StoredRow>()
  private readonly options: MemoryRowsOptions
  private sweeping: Iterator<[string, StoredRow]> = this.rows.entries()

  constructor(options: MemoryRowsOptions) {
    this.options = options
  }

  read(key: string): StoredRow | undefined {
    return this.rows.get(key)
  }

  write(key: string, row: StoredRow): void {
    const { bytes: most, evicts } = this.options
    const now = this.options.now()
    this.sweep(now)
    const before = this.rows.get(key)
    const bytes = sizeOf(key, row)
    const others = this.bytes - (before === undefined ? 0 : sizeOf(key, before))
    if (bytes > most || (!evicts && others + bytes > most)) throw new NoRoom()
    this.remove(key)
    for (const [oldest, { expiresAt }] of this.rows) {
      if (this.bytes + bytes <= most) break
      if (expiresAt > now) this.evicted++
      this.remove(oldest)
    }
    this.rows.set(key, row)
    this.bytes += bytes
  }

  remove(key: string): void {
    const row = this.rows.get(key)
    if (row === undefined) return
    this.rows.delete(key)
    this.bytes -= sizeOf(key, row)
  }

  /** Looks at all rows, and sorts no more than it returns. */
  scan(prefix: string, after: string | undefined, limit: number, now: number): Iterable<readonly [string, StoredRow]> {
    const first: (readonly [string, StoredRow])[] = []
    for (const [key, row] of this.rows) {
      if (!key.startsWith(prefix) || row.expiresAt <= now) continue
      if (after !== undefined && byBytes(key, after) <= 0) continue
      const last = first.at(-1)
      if (first.length === limit && last !== undefined && byBytes(key, last[0]) > 0) continue
      first.splice(placeOf(first, key), 0, [key, row])
      if (first.length > limit) first.pop()
    }
    return first
  }

  /** Goes round: an iterator of a Map sees what was added since, and stays valid when rows leave. */
  private sweep(now: number): void {
    for (let looked = 0; looked < SWEPT; looked++) {
      const { done, value } = this.sweeping.next()
      if (done === true) {
        this.sweeping = this.rows.entries()
        return
      }
      const [key, { expiresAt }] = value
      if (expiresAt <= now) this.remove(key)
    }
  }
}

function sizeOf(key: string, { value }: StoredRow): number {
  return 2 * key.length + value.byteLength + ENTRY_BYTES
}

/** The first place behind which all keys are larger. */
function placeOf(rows: readonly (readonly [string, StoredRow])[], key: string): number {
  let [low, high] = [0, rows.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (byBytes((rows[middle] as readonly [string, StoredRow])[0], key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
