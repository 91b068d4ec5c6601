import { expect, test } from 'vitest'
import { answered, bytes, type CheckStore, keysOf, page, read, written } from './harness.ts'

export function expiry(check: CheckStore): void {
  test(
    'an entry with a time to live is there until it ends, and not at its end',
    check(async (store, { advance }) => {
      await written(store, 'a', 'one', { ttlMs: 100 })
      await written(store, 'b', 'two')
      advance(60)
      expect(answered(await store.get('a'))?.ttlMs).toBe(40)
      expect(answered(await store.get('b'))?.ttlMs).toBe(undefined)
      advance(39)
      expect(await read(store, 'a')).toBe('one')
      advance(1)
      expect(await store.get('a')).toBe(undefined)
      expect(await read(store, 'b')).toBe('two')
    }),
  )

  test(
    'what has expired is not there for any call',
    check(async (store, { advance }) => {
      const version = await written(store, 'a', 'one', { ttlMs: 10 })
      advance(10)
      expect(await store.put('a', bytes('two'), { ifVersion: version })).toEqual({ conflict: 'absent' })
      expect(await store.touch('a', 100)).toBe(false)
      expect(await store.delete('a', version)).toEqual({ conflict: 'absent' })
      expect(await store.delete('a')).toBe(false)
      expect(keysOf(await page(store, '', 10))).toEqual([])
      expect(await written(store, 'a', 'three', { ifVersion: 'absent' })).toBeGreaterThan(version)
      expect(await read(store, 'a')).toBe('three')
    }),
  )

  test(
    'a touch moves the end or takes it away, and keeps the version',
    check(async (store, { advance }) => {
      const version = await written(store, 'a', 'one', { ttlMs: 100 })
      advance(90)
      expect(await store.touch('a', 50)).toBe(true)
      advance(49)
      expect(answered(await store.get('a'))).toMatchObject({ version, ttlMs: 1 })
      expect(await store.touch('a', undefined)).toBe(true)
      advance(1_000_000)
      expect(answered(await store.get('a'))).toMatchObject({ version, ttlMs: undefined })
      expect(await store.touch('b', 10)).toBe(false)
    }),
  )

  test(
    'a put without a time to live takes away the one that was there',
    check(async (store, { advance }) => {
      await written(store, 'a', 'one', { ttlMs: 10 })
      await written(store, 'a', 'two')
      advance(10)
      expect(await read(store, 'a')).toBe('two')
    }),
  )
}
