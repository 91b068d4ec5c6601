import { expect, test } from 'vitest'
import { STORE_BOUNDS } from '../../../src/core/store.ts'
import { answered, type CheckStore, keysOf, page, textOf, written } from './harness.ts'

export function scanning(check: CheckStore): void {
  test(
    'a scan gives the entries under a prefix, page by page, in the order of the bytes of their keys',
    check(async (store) => {
      const keys = ['b/2', 'a', 'b/1', 'b', 'b/\u{1f600}', 'b/\uffee', 'b/10', 'c', 'b0', 'b/', 'B/1', 'b/%', 'b/_']
      for (const key of keys) await written(store, key, `of ${key}`)
      const inside = keys
        .filter((key) => key.startsWith('b/'))
        .toSorted((x, y) => Buffer.from(x).compare(Buffer.from(y)))
      const found: string[] = []
      let after: string | undefined
      do {
        const next = await page(store, 'b/', 3, after)
        expect(next.entries.length).toBeLessThanOrEqual(3)
        for (const entry of next.entries) expect(textOf(entry)).toBe(`of ${entry.key}`)
        found.push(...keysOf(next))
        after = next.after
      } while (after !== undefined)
      expect(found).toEqual(inside)
      expect(keysOf(await page(store, '', 1000))).toHaveLength(keys.length)
      expect(await page(store, 'none', 10)).toEqual({ entries: [], after: undefined })
    }),
  )

  test(
    'the last page says so, also where it is full',
    check(async (store) => {
      await written(store, 'a', '')
      await written(store, 'b', '')
      expect((await page(store, '', 2)).after).toBe(undefined)
      expect((await page(store, '', 1)).after).toBe('a')
      expect(await page(store, '', 1, 'a')).toMatchObject({ entries: [{ key: 'b' }], after: undefined })
    }),
  )

  test(
    'a page goes on behind a key that has gone meanwhile',
    check(async (store) => {
      for (const key of ['a', 'b', 'c']) await written(store, key, '')
      const first = await page(store, '', 2)
      await store.delete('b')
      expect(keysOf(await page(store, '', 2, first.after))).toEqual(['c'])
    }),
  )

  test(
    'a page has a bound in bytes',
    check(async (store) => {
      const large = new Uint8Array(STORE_BOUNDS.pageBytes / 2)
      for (const key of ['a', 'b', 'c']) answered(await store.put(key, large))
      expect(await page(store, '', 10)).toMatchObject({ entries: [{ key: 'a' }, { key: 'b' }], after: 'b' })
      expect(keysOf(await page(store, '', 10, 'b'))).toEqual(['c'])
    }),
  )

  test(
    'under the prefix of a user, keys and ends of pages are its own',
    check(async (store, open) => {
      const own = open.of('own')
      for (const key of ['a', 'b']) await written(own, key, '')
      await written(store, 'own0', '')
      expect(await page(own, '', 1)).toMatchObject({ entries: [{ key: 'a' }], after: 'a' })
      expect(keysOf(await page(own, '', 10, 'a'))).toEqual(['b'])
    }),
  )
}
