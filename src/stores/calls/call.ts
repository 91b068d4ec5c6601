import type { Unavailable } from '../../core/link.ts'
import {
  type Conflict,
  type LeaseRefused,
  type PutOptions,
  type ScanOptions,
  STORE_BOUNDS,
  type StoreEntry,
  type StorePage,
  type Written,
} from '../../core/store.ts'
import { type ArgsOf, type ResultOf, STORE_OPERATIONS, type StoreOperationName } from '../../core/store-operations.ts'

/**
 * What a store is asked, as a value that travels to the engine: by a function call, a message to a thread, or a question of
 * a worker.
 */

/** By name: what the call takes, and what answers it. */
interface Calls {
  get: { take: { readonly key: string }; answer: StoreEntry | undefined }
  put: { take: PutOptions & { readonly key: string; readonly value: Uint8Array }; answer: Written | Conflict }
  touch: { take: { readonly key: string; readonly ttlMs: number | undefined }; answer: boolean }
  delete: { take: { readonly key: string; readonly ifVersion: number | undefined }; answer: boolean | Conflict }
  scan: { take: ScanOptions & { readonly prefix: string }; answer: StorePage }
  lease: { take: Holder & { readonly ttlMs: number }; answer: { readonly fence: number } | LeaseRefused }
  renew: { take: Holding & { readonly ttlMs: number }; answer: boolean }
  release: { take: Holding; answer: boolean }
  run: { take: Operation; answer: ResultOf<StoreOperationName> }
}

interface Holder {
  readonly key: string
  readonly owner: string
}

interface Holding {
  readonly key: string
  readonly fence: number
}

/** `args`: those of `operation`. */
interface Operation {
  readonly operation: StoreOperationName
  readonly keys: readonly string[]
  readonly args: ArgsOf<StoreOperationName>
}

export type StoreCallName = keyof Calls
export type StoreCall<K extends StoreCallName = StoreCallName> = {
  [N in K]: { readonly call: N } & Calls[N]['take']
}[K]
export type StoreAnswer<K extends StoreCallName = StoreCallName> = Calls[K]['answer']

/** How a call gets to its engine, and the answer back. Never rejects; bounded in time. */
export type SendCall = <K extends StoreCallName>(call: StoreCall<K>) => Promise<StoreAnswer<K> | Unavailable>

/** Whether a call keeps to `STORE_BOUNDS`. */
export function isWithinBounds(call: StoreCall): boolean {
  switch (call.call) {
    case 'get':
    case 'delete':
    case 'release':
      return isKey(call.key)
    case 'put':
      return isKey(call.key) && call.value.byteLength <= STORE_BOUNDS.value && isTtl(call.ttlMs)
    case 'touch':
      return isKey(call.key) && isTtl(call.ttlMs)
    case 'scan':
      return isText(call.prefix, STORE_BOUNDS.key) && isText(call.after ?? '', STORE_BOUNDS.key) && isPage(call.limit)
    case 'lease':
      return isKey(call.key) && isKey(call.owner) && isTtl(call.ttlMs)
    case 'renew':
      return isKey(call.key) && isTtl(call.ttlMs)
    case 'run':
      return isOperation(call)
  }
}

/** Bytes are counted only where the length leaves it open: a UTF-16 unit has three at most. */
export function isText(text: string, most: number): boolean {
  return text.length <= most && text.isWellFormed() && (3 * text.length <= most || Buffer.byteLength(text) <= most)
}

/** Not a lone surrogate: engines keep keys in UTF-8, where two such would be one key. */
export function isKey(key: string): boolean {
  return key.length > 0 && isText(key, STORE_BOUNDS.key)
}

function isTtl(ttlMs: number | undefined): boolean {
  return ttlMs === undefined || (ttlMs > 0 && ttlMs <= STORE_BOUNDS.ttlMs)
}

function isPage(limit: number): boolean {
  return Number.isInteger(limit) && limit > 0 && limit <= STORE_BOUNDS.page
}

/** A key that stood there twice would be counted once. */
function isOperation({ args, keys, operation }: Operation): boolean {
  return (
    keys.length <= STORE_BOUNDS.keys &&
    keys.every(isKey) &&
    new Set(keys).size === keys.length &&
    (STORE_OPERATIONS[operation].fits as (args: unknown, keys: number) => boolean)(args, keys.length)
  )
}
