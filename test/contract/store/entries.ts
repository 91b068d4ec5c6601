import { expect, test } from 'vitest'
import { answered, bytes, type CheckStore, read, textOf, written } from './harness.ts'

export function entries(check: CheckStore): void {
  test(
    'an entry is read as it was written, until it is deleted',
    check(async (store) => {
      expect(await store.get('a')).toBe(undefined)
      await written(store, 'a', 'one')
      expect(await read(store, 'a')).toBe('one')
      await written(store, 'a', 'two')
      expect(await read(store, 'a')).toBe('two')
      expect(await store.delete('a')).toBe(true)
      expect(await store.get('a')).toBe(undefined)
      expect(await store.delete('a')).toBe(false)
    }),
  )

  test(
    'any bytes are a value, and any text is a key',
    check(async (store) => {
      const every = Uint8Array.from({ length: 256 }, (_, i) => i)
      const keys = ['a\0b', ' ', "'; drop table entries; --", '%', '_', 'ключ', '\u{1f600}', '\uffff', '__proto__']
      for (const key of keys) answered(await store.put(key, every))
      for (const key of keys) expect(answered(await store.get(key))?.value, key).toEqual(every)
      await written(store, 'empty', '')
      expect(await read(store, 'empty')).toBe('')
    }),
  )

  test(
    'a value belongs to the store: nothing that is done to what was given or got changes it',
    check(async (store) => {
      const pool = Buffer.from('xxonexx')
      const part = pool.subarray(2, 5)
      const put = store.put('a', part)
      part.fill(0x2e)
      answered(await put)
      const got = answered(await store.get('a'))
      expect(textOf(got)).toBe('one')
      got?.value.fill(0)
      answered(await store.scan('', { limit: 1 })).entries[0]?.value.fill(0)
      expect(await read(store, 'a')).toBe('one')
    }),
  )

  test(
    'a version is larger with each write, after a delete too, and is what put has told',
    check(async (store) => {
      const versions = [await written(store, 'a', '1'), await written(store, 'b', '1'), await written(store, 'a', '2')]
      expect(answered(await store.get('a'))?.version).toBe(versions[2])
      await store.delete('a')
      versions.push(await written(store, 'a', '3'))
      expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b))
      expect(versions.every(Number.isSafeInteger)).toBe(true)
    }),
  )

  test(
    'a put for a version writes over it only, and says which is there',
    check(async (store) => {
      const version = await written(store, 'a', 'one')
      const next = await written(store, 'a', 'two', { ifVersion: version })
      expect(await store.put('a', bytes('three'), { ifVersion: version })).toEqual({ conflict: next })
      expect(await read(store, 'a')).toBe('two')
      await store.delete('a')
      expect(await store.put('a', bytes('four'), { ifVersion: next })).toEqual({ conflict: 'absent' })
      expect(await store.get('a')).toBe(undefined)
    }),
  )

  test(
    'of many that put where nothing is, one does',
    check(async (store, open) => {
      const puts = Array.from({ length: 50 }, (_, i) =>
        open.of('').put('claim', bytes(`${i}`), { ifVersion: 'absent' }),
      )
      const answers = (await Promise.all(puts)).map(answered)
      const won = answers.flatMap((answer, i) => ('version' in answer ? [{ i, version: answer.version }] : []))
      expect(won).toHaveLength(1)
      expect(await read(store, 'claim')).toBe(`${won[0]?.i}`)
      for (const answer of answers) if ('conflict' in answer) expect(answer.conflict).toBe(won[0]?.version)
    }),
  )

  test(
    'a delete for a version removes that one only',
    check(async (store) => {
      const version = await written(store, 'a', 'one')
      const next = await written(store, 'a', 'two')
      expect(await store.delete('a', version)).toEqual({ conflict: next })
      expect(await store.delete('a', next)).toBe(true)
      expect(await store.delete('a', next)).toEqual({ conflict: 'absent' })
    }),
  )

  test(
    'a call that was made first is answered as if it had ended first',
    check(async (store) => {
      const [, got, , gone] = await Promise.all([
        store.put('a', bytes('one')),
        store.get('a'),
        store.delete('a'),
        store.get('a'),
      ])
      expect(textOf(answered(got))).toBe('one')
      expect(gone).toBe(undefined)
    }),
  )

  test(
    'each user sees its own keys under its prefix',
    check(async (store, open) => {
      const [one, other] = [open.of('one'), open.of('other')]
      await written(one, 'a', '1')
      expect(await read(other, 'a')).toBe(undefined)
      expect(await read(store, 'a')).toBe(undefined)
      expect(await one.get('')).toEqual({ unavailable: 'refused' })
    }),
  )
}
