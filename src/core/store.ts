import type { Unavailable } from './link.ts'
import type { ArgsOf, ResultOf, StoreOperationName } from './store-operations.ts'

/**
 * The contract of a store: bytes by key that several threads, and with some engines several processes, have in common. It
 * is the same wherever the engine is: every call is asynchronous, bounded in time, and never throws or rejects. After
 * `unavailable`, a write may have taken place if the reason is `deadline`, `gone` or `failed`, and has not if it is `full`
 * or `refused`.
 */

/** Which stores there are. */
export const STORE_NAMES = ['state', 'memory'] as const

/**
 * - `state`: outlives the process, where the state directory can be written; never evicts, so that what it keeps has a
 *   bound by its users or a time to live
 * - `memory`: of this process; the oldest entries make room for others
 */
export type StoreName = (typeof STORE_NAMES)[number]

/** What one call may hold. */
export const STORE_BOUNDS = {
  /** Bytes of a key, an owner or a topic in UTF-8; a key has at least 1. */
  key: 512,
  /** Bytes of a value. In a worker, whose link to the control plane takes no more than 1 MiB, it is `too_large` above that. */
  value: 16 * 1_048_576,
  /** Bytes of a hint in UTF-8. */
  hint: 1024,
  /** Milliseconds of a time to live: 10 years. */
  ttlMs: 315_360_000_000,
  /** Entries of one page of a scan. */
  page: 1000,
  /** Bytes of values in one page; the first entry is always there. */
  pageBytes: 524_288,
  /** Keys of one named operation. */
  keys: 16,
} as const

/** A value as it stands in a store. */
export interface StoreEntry {
  /** The caller's own copy. */
  readonly value: Uint8Array
  /** Grows with every write to the store: a key that was deleted and written again never has a version twice. */
  readonly version: number
  /** Milliseconds until it expires; undefined: it does not. */
  readonly ttlMs: number | undefined
}

export interface PutOptions {
  /** Milliseconds until it expires; without: it does not. */
  readonly ttlMs?: number
  /** Writes only over this version, or only where there is no entry. */
  readonly ifVersion?: number | 'absent'
}

export interface Written {
  readonly version: number
}

/** What the call expected is not there; nothing was written. `conflict`: the version that is. */
export interface Conflict {
  readonly conflict: number | 'absent'
}

export interface ScanOptions {
  /** Most entries of the page. */
  readonly limit: number
  /** Keys after this one only; as the page before gave it. */
  readonly after?: string
}

/** A part of the entries, in the order of the bytes of their keys. */
export interface StorePage {
  readonly entries: readonly (StoreEntry & { readonly key: string })[]
  /** Where the next page begins; undefined: this is the last one. */
  readonly after: string | undefined
}

/** A lease that the caller holds until it expires. */
export interface StoreLease {
  /**
   * Grows with each change of the holder. What the holder writes elsewhere carries it, so that a holder whose lease has
   * expired meanwhile is found out: a smaller fence than the last one seen is refused there.
   */
  readonly fence: number
  /** Extends it to `ttlMs` from now. false: it is lost, another may hold it. */
  renew(ttlMs: number): Promise<boolean | Unavailable>
  /** false: it was lost before. */
  release(): Promise<boolean | Unavailable>
}

export interface LeaseRefused {
  readonly heldBy: string
  /** Milliseconds until it expires, unless it is renewed. */
  readonly ttlMs: number
}

export interface Store {
  get(key: string): Promise<StoreEntry | undefined | Unavailable>
  put(key: string, value: Uint8Array, options?: PutOptions): Promise<Written | Conflict | Unavailable>
  /** Sets when it expires, in `ttlMs` milliseconds or never; the version stays. false: there is no such entry. */
  touch(key: string, ttlMs: number | undefined): Promise<boolean | Unavailable>
  /** false: there was no such entry. */
  delete(key: string, ifVersion?: number): Promise<boolean | Conflict | Unavailable>
  /** Entries whose keys begin with `prefix`. What is written between two pages may or may not be seen. */
  scan(prefix: string, options: ScanOptions): Promise<StorePage | Unavailable>
  /**
   * Takes a lease, which has nothing to do with the entry of the same key. The holder that asks again renews it and keeps
   * its fence.
   */
  lease(key: string, owner: string, ttlMs: number): Promise<StoreLease | LeaseRefused | Unavailable>
  /** A named operation on the numbers under some keys, see `store-operations.ts`; atomic. */
  run<K extends StoreOperationName>(
    operation: K,
    keys: readonly string[],
    args: ArgsOf<K>,
  ): Promise<ResultOf<K> | Unavailable>
  /** Tells all subscribers, as a hint: one may be lost. What must be known stands in an entry. */
  publish(topic: string, hint: string): Promise<true | Unavailable>
  /** As long as its user lives: in a worker only within `FeatureContext.keep`. Returns what ends it. */
  subscribe(topic: string, heard: (hint: string) => void): () => void
}
