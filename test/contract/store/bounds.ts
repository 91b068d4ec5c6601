import { expect, test } from 'vitest'
import { STORE_BOUNDS, type Store } from '../../../src/core/store.ts'
import { answered, bytes, type CheckStore } from './harness.ts'

const tooLong = 'k'.repeat(STORE_BOUNDS.key + 1)
const bad = Number.NaN

/** Calls that no engine takes. */
const REFUSED: Readonly<Record<string, (store: Store) => Promise<unknown>>> = {
  'an empty key': (store) => store.get(''),
  'a key that is too long': (store) => store.get(tooLong),
  'a key that is too long in bytes': (store) => store.put('é'.repeat(STORE_BOUNDS.key / 2 + 1), bytes('')),
  'half a character': (store) => store.put('\ud800', bytes('')),
  'a value that is too large': (store) => store.put('a', new Uint8Array(STORE_BOUNDS.value + 1)),
  'a time to live of 0': (store) => store.put('a', bytes(''), { ttlMs: 0 }),
  'a time to live that is no number': (store) => store.put('a', bytes(''), { ttlMs: bad }),
  'an endless time to live': (store) => store.touch('a', Number.POSITIVE_INFINITY),
  'a delete of an empty key': (store) => store.delete(''),
  'a page of nothing': (store) => store.scan('', { limit: 0 }),
  'a page that is too long': (store) => store.scan('', { limit: STORE_BOUNDS.page + 1 }),
  'a prefix that is too long': (store) => store.scan(tooLong, { limit: 1 }),
  'a lease without an owner': (store) => store.lease('a', '', 10),
  'a lease without a time': (store) => store.lease('a', 'one', bad),
  'an operation on one key twice': (store) => store.run('add', ['a', 'a'], { by: 1 }),
  'an operation on too many keys': (store) =>
    store.run(
      'add',
      Array.from({ length: STORE_BOUNDS.keys + 1 }, (_, i) => `${i}`),
      { by: 1 },
    ),
  'an addition of no number': (store) => store.run('add', ['a'], { by: bad }),
  'a limit too few': (store) => store.run('gcra', ['a'], { limits: [], cost: 1 }),
  'a limit of nothing': (store) => store.run('gcra', ['a'], { limits: [{ everyMs: 0, burst: 1 }], cost: 1 }),
  'a negative cost': (store) => store.run('gcra', ['a'], { limits: [{ everyMs: 1, burst: 1 }], cost: -1 }),
  'a hint that is too long': (store) => store.publish('topic', 'h'.repeat(STORE_BOUNDS.hint + 1)),
  'a topic without a name': (store) => store.publish('', 'hint'),
}

export function bounds(check: CheckStore): void {
  test(
    'what is beyond a bound is refused, and nothing of it is done',
    check(async (store) => {
      for (const [what, call] of Object.entries(REFUSED))
        expect(await call(store), what).toEqual({ unavailable: 'refused' })
      expect(answered(await store.scan('', { limit: 10 })).entries).toEqual([])
    }),
  )

  test(
    'what just keeps to the bounds is taken',
    check(async (store, { mostKey, mostValue }) => {
      const longest = 'k'.repeat(mostKey)
      const value = new Uint8Array(mostValue).fill(7)
      answered(await store.put(longest, value, { ttlMs: STORE_BOUNDS.ttlMs }))
      expect(Buffer.compare(answered(await store.get(longest))?.value ?? bytes(''), value)).toBe(0)
      const widest = 'é'.repeat(mostKey / 2)
      answered(await store.put(widest, bytes('w')))
      expect(answered(await store.get(widest))?.value).toEqual(bytes('w'))
    }),
  )
}
