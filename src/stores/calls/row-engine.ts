import { type Unavailable, unavailable } from '../../core/link.ts'
import { type Conflict, STORE_BOUNDS, type StoreEntry, type StorePage } from '../../core/store.ts'
import { type OperationOutcome, STORE_OPERATIONS, type StoredNumber } from '../../core/store-operations.ts'
import type { StoreAnswer, StoreCall } from './call.ts'

/** What an engine keeps under a key. */
export interface StoredRow {
  readonly value: Uint8Array
  readonly version: number
  /** Milliseconds of the engine's clock; Infinity: never. */
  readonly expiresAt: number
}

/** A table of an engine. What it throws, its engine makes an `Unavailable` of. */
export interface StoredRows {
  /** Rows that have expired may be left out. */
  read(key: string): StoredRow | undefined
  write(key: string, row: StoredRow): void
  remove(key: string): void
  /** At most `limit` rows that have not expired, in the order of the bytes of their keys. */
  scan(prefix: string, after: string | undefined, limit: number, now: number): Iterable<readonly [string, StoredRow]>
}

export interface RowEngineParts {
  readonly entries: StoredRows
  /** `value`: the holder, `version`: the fence. */
  readonly leases: StoredRows
  /** A larger number each time. */
  nextVersion(): number
}

const EVER = Number.POSITIVE_INFINITY
const NUMBER_BYTES = 8
const text = new TextDecoder()

/** What calls mean, for every engine that keeps rows: one call after the other, each atomic as far as the rows are. */
export class RowEngine {
  private readonly parts: RowEngineParts

  constructor(parts: RowEngineParts) {
    this.parts = parts
  }

  /** `now`: milliseconds of the engine's clock. */
  answer(call: StoreCall, now: number): StoreAnswer | Unavailable {
    switch (call.call) {
      case 'get':
        return this.get(call, now)
      case 'put':
        return this.put(call, now)
      case 'touch':
        return this.touch(call, now)
      case 'delete':
        return this.delete(call, now)
      case 'scan':
        return this.scan(call, now)
      case 'lease':
        return this.lease(call, now)
      case 'renew':
        return this.renew(call, now)
      case 'release':
        return this.release(call, now)
      case 'run':
        return this.run(call, now)
    }
  }

  private get({ key }: StoreCall<'get'>, now: number): StoreEntry | undefined {
    const row = living(this.parts.entries, key, now)
    return row && entryOf(row, now)
  }

  private put({ ifVersion, key, ttlMs, value }: StoreCall<'put'>, now: number): StoreAnswer<'put'> {
    const { entries } = this.parts
    if (ifVersion !== undefined) {
      const there = living(entries, key, now)?.version ?? 'absent'
      if (there !== ifVersion) return { conflict: there }
    }
    const version = this.parts.nextVersion()
    entries.write(key, { value, version, expiresAt: expiry(ttlMs, now) })
    return { version }
  }

  private touch({ key, ttlMs }: StoreCall<'touch'>, now: number): boolean {
    const { entries } = this.parts
    const row = living(entries, key, now)
    if (row === undefined) return false
    entries.write(key, { ...row, expiresAt: expiry(ttlMs, now) })
    return true
  }

  private delete({ ifVersion, key }: StoreCall<'delete'>, now: number): boolean | Conflict {
    const { entries } = this.parts
    const row = living(entries, key, now)
    if (ifVersion !== undefined && row?.version !== ifVersion) return { conflict: row?.version ?? 'absent' }
    if (row !== undefined) entries.remove(key)
    return row !== undefined
  }

  private scan({ after, limit, prefix }: StoreCall<'scan'>, now: number): StorePage {
    const entries: StorePage['entries'][number][] = []
    let bytes = 0
    // One more than asked for tells whether another page follows.
    for (const [key, row] of this.parts.entries.scan(prefix, after, limit + 1, now)) {
      bytes += row.value.byteLength
      if (entries.length === limit || (entries.length > 0 && bytes > STORE_BOUNDS.pageBytes))
        return { entries, after: entries.at(-1)?.key }
      entries.push({ key, ...entryOf(row, now) })
    }
    return { entries, after: undefined }
  }

  private lease({ key, owner, ttlMs }: StoreCall<'lease'>, now: number): StoreAnswer<'lease'> {
    const { leases } = this.parts
    const row = living(leases, key, now)
    const heldBy = row && text.decode(row.value)
    if (row !== undefined && heldBy !== undefined && heldBy !== owner) return { heldBy, ttlMs: row.expiresAt - now }
    const fence = row?.version ?? this.parts.nextVersion()
    leases.write(key, { value: Buffer.from(owner), version: fence, expiresAt: expiry(ttlMs, now) })
    return { fence }
  }

  private renew({ fence, key, ttlMs }: StoreCall<'renew'>, now: number): boolean {
    const row = living(this.parts.leases, key, now)
    if (row?.version !== fence) return false
    this.parts.leases.write(key, { ...row, expiresAt: expiry(ttlMs, now) })
    return true
  }

  private release({ fence, key }: StoreCall<'release'>, now: number): boolean {
    if (living(this.parts.leases, key, now)?.version !== fence) return false
    this.parts.leases.remove(key)
    return true
  }

  private run({ args, keys, operation }: StoreCall<'run'>, now: number): StoreAnswer<'run'> | Unavailable {
    const { entries } = this.parts
    const rows = keys.map((key) => living(entries, key, now))
    if (rows.some((row) => row !== undefined && row.value.byteLength !== NUMBER_BYTES)) return unavailable('refused')
    const before = rows.map((row) => row && { value: numberOf(row.value), ttlMs: left(row, now) })
    if (before.some((held) => Number.isNaN(held?.value))) return unavailable('refused')
    // The operation and its arguments come from one call, which is of one of these types.
    const run = STORE_OPERATIONS[operation].run as (
      numbers: readonly (StoredNumber | undefined)[],
      args: unknown,
      now: number,
    ) => OperationOutcome<StoreAnswer<'run'>>
    const { result, numbers } = run(before, args, now)
    for (const [i, { ttlMs, value }] of numbers?.entries() ?? []) {
      const row = { value: bytesOf(value), version: this.parts.nextVersion(), expiresAt: expiry(ttlMs, now) }
      entries.write(keys[i] as string, row)
    }
    return result
  }
}

function living(rows: StoredRows, key: string, now: number): StoredRow | undefined {
  const row = rows.read(key)
  return row !== undefined && row.expiresAt > now ? row : undefined
}

function entryOf(row: StoredRow, now: number): StoreEntry {
  return { value: row.value, version: row.version, ttlMs: left(row, now) }
}

function left({ expiresAt }: StoredRow, now: number): number | undefined {
  return expiresAt === EVER ? undefined : expiresAt - now
}

function expiry(ttlMs: number | undefined, now: number): number {
  return ttlMs === undefined ? EVER : now + ttlMs
}

function numberOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, NUMBER_BYTES).getFloat64(0)
}

function bytesOf(value: number): Uint8Array {
  const bytes = new Uint8Array(NUMBER_BYTES)
  new DataView(bytes.buffer).setFloat64(0, value)
  return bytes
}
