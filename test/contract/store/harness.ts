import { expect } from 'vitest'
import { isUnavailable } from '../../../src/core/link.ts'
import type { Store, StoreEntry, StoreLease, StorePage, Written } from '../../../src/core/store.ts'

/** A store that was opened empty, for one test. */
export interface OpenStore {
  /** The same store, as each of its users has it. */
  of(user: string): Store
  /** Bytes of the longest key and of the largest value that its users may have; what goes with them has its share. */
  readonly mostKey: number
  readonly mostValue: number
  /** Lets time pass for the engine. */
  advance(ms: number): void
  close(): Promise<void>
}

export type MakeStore = () => Promise<OpenStore>

/** Runs `check` with a store that is closed afterwards. */
export type CheckStore = (check: (store: Store, open: OpenStore) => Promise<void>) => () => Promise<void>

export function checksOf(make: MakeStore): CheckStore {
  return (check) => async () => {
    const open = await make()
    try {
      await check(open.of(''), open)
    } finally {
      await open.close()
    }
  }
}

export const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))

export const textOf = (entry: StoreEntry | undefined): string | undefined =>
  entry && Buffer.from(entry.value).toString('utf8')

/** The answer, of which the test knows that there is one. */
export function answered<T>(answer: T): Exclude<T, { readonly unavailable: unknown }> {
  if (isUnavailable(answer)) throw new Error(`unavailable: ${answer.unavailable}`)
  return answer as Exclude<T, { readonly unavailable: unknown }>
}

export async function written(store: Store, key: string, text: string, options = {}): Promise<number> {
  const answer = answered(await store.put(key, bytes(text), options)) as Written
  expect(answer.version).toBeGreaterThan(0)
  return answer.version
}

export async function read(store: Store, key: string): Promise<string | undefined> {
  return textOf(answered(await store.get(key)))
}

export async function taken(store: Store, key: string, owner: string, ttlMs: number): Promise<StoreLease> {
  const answer = answered(await store.lease(key, owner, ttlMs))
  if (!('fence' in answer)) throw new Error(`held by ${answer.heldBy}`)
  return answer
}

export async function page(store: Store, prefix: string, limit: number, after?: string): Promise<StorePage> {
  return answered(await store.scan(prefix, after === undefined ? { limit } : { limit, after }))
}

export const keysOf = ({ entries }: StorePage): string[] => entries.map(({ key }) => key)
