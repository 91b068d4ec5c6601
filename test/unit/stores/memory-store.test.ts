import { describe, expect, test } from 'vitest'
import type { Store } from '../../../src/core/store.ts'
import { StoreClient } from '../../../src/stores/calls/client.ts'
import { Hints } from '../../../src/stores/calls/hints.ts'
import { MemoryStore } from '../../../src/stores/memory/memory-store.ts'
import { answered, keysOf, page, read, taken, written } from '../../contract/store/harness.ts'
import { ManualClock } from '../../kit/clock.ts'

const KIB = 1024

function opened(bytes: number): { store: Store; engine: MemoryStore; clock: ManualClock } {
  const clock = new ManualClock()
  const engine = new MemoryStore({ bytes, clock })
  return { store: new StoreClient(engine.send, new Hints(() => {}), ''), engine, clock }
}

describe('a store in memory', () => {
  test('never takes more bytes than it may: what was written first leaves first', async () => {
    const { engine, store } = opened(64 * KIB)
    const value = 'v'.repeat(KIB)
    for (let i = 100; i < 200; i++) {
      await written(store, `${i}`, value)
      expect(engine.bytes).toBeLessThanOrEqual(64 * KIB)
    }
    const left = keysOf(await page(store, '', 1000))
    expect(left.length).toBeGreaterThan(30)
    expect(left).toEqual(Array.from({ length: left.length }, (_, i) => `${200 - left.length + i}`))
    expect(engine.evicted).toBe(100 - left.length)
  })

  test('an entry that is written again is a new one', async () => {
    const { store } = opened(8 * KIB)
    for (const key of ['a', 'b', 'c']) await written(store, key, 'v'.repeat(KIB))
    await written(store, 'a', 'again')
    for (const key of ['d', 'e', 'f', 'g']) await written(store, key, 'v'.repeat(KIB))
    expect(await read(store, 'a')).toBe('again')
    expect(await read(store, 'b')).toBe(undefined)
  })

  test('what cannot have room is refused, and nothing leaves for it', async () => {
    const { store } = opened(8 * KIB)
    await written(store, 'a', 'one')
    expect(await store.put('b', new Uint8Array(8 * KIB))).toEqual({ unavailable: 'full' })
    expect(await store.put('a', new Uint8Array(8 * KIB))).toEqual({ unavailable: 'full' })
    expect(await read(store, 'a')).toBe('one')
  })

  test('what has expired leaves before anything else must', async () => {
    const { clock, engine, store } = opened(64 * KIB)
    for (let i = 0; i < 20; i++) await written(store, `kept ${i}`, 'v'.repeat(KIB))
    for (let i = 0; i < 10_000; i++) {
      await written(store, `short ${i}`, 'v'.repeat(100), { ttlMs: 10 })
      clock.advance(1)
    }
    expect(engine.evicted).toBe(0)
    expect(engine.bytes).toBeLessThan(40 * KIB)
    expect(keysOf(await page(store, 'kept', 100))).toHaveLength(20)
  })

  test('a lease is never evicted: with no room left there is no other', async () => {
    const { clock, store } = opened(64 * KIB)
    const first = await taken(store, 'lease 0', 'one', 1000)
    let held = 1
    while ('fence' in answered(await store.lease(`lease ${held}`, 'one', 1000).then(orFull))) held++
    expect(held).toBeGreaterThan(20)
    for (let i = 0; i < 100; i++) await written(store, `${i}`, 'v'.repeat(KIB))
    expect(await first.renew(1000)).toBe(true)
    clock.advance(1000)
    for (let i = 0; i < held; i++) await taken(store, `later ${i}`, 'two', 1000)
  })
})

/** A full store as a lease that is refused. */
function orFull<A>(answer: A): A | { readonly heldBy: string } {
  return JSON.stringify(answer) === '{"unavailable":"full"}' ? { heldBy: 'full' } : answer
}
