import { expect, test } from 'vitest'
import type { Store } from '../../../src/core/store.ts'
import { answered, bytes, type CheckStore, read, written } from './harness.ts'

const perSecond = { everyMs: 1000, burst: 3 }
const day = 86_400_000

async function allowed(store: Store, key: string, limit = perSecond, cost = 1): Promise<boolean> {
  return answered(await store.run('gcra', [key], { limits: [limit], cost })).allowed
}

export function operations(check: CheckStore): void {
  test(
    'add sums up, for all callers together',
    check(async (store, open) => {
      expect(await store.run('add', ['n', 'm'], { by: 2 })).toEqual([2, 2])
      await Promise.all(Array.from({ length: 40 }, () => open.of('').run('add', ['n'], { by: 1 })))
      expect(await store.run('add', ['n', 'm'], { by: -0.5 })).toEqual([41.5, 1.5])
    }),
  )

  test(
    'add gives a time to live to what it makes, and none to what is there',
    check(async (store, { advance }) => {
      await store.run('add', ['n'], { by: 1, ttlMs: 100 })
      advance(60)
      expect(await store.run('add', ['n'], { by: 1, ttlMs: 100 })).toEqual([2])
      advance(40)
      expect(await store.run('add', ['n'], { by: 1, ttlMs: 100 })).toEqual([1])
    }),
  )

  test(
    'gcra allows a burst, then one permit per interval',
    check(async (store, { advance }) => {
      for (let i = 0; i < 3; i++) expect(await allowed(store, 'k')).toBe(true)
      expect(await store.run('gcra', ['k'], { limits: [perSecond], cost: 1 })).toEqual({
        allowed: false,
        limits: [{ allowed: false, remaining: 0, retryAfterMs: 1000, resetMs: 3000 }],
      })
      advance(999)
      expect(await allowed(store, 'k')).toBe(false)
      advance(1)
      expect(await allowed(store, 'k')).toBe(true)
      expect(await allowed(store, 'k')).toBe(false)
      advance(day)
      for (let i = 0; i < 3; i++) expect(await allowed(store, 'k')).toBe(true)
      expect(await allowed(store, 'k')).toBe(false)
    }),
  )

  test(
    'gcra gives the whole burst where an interval is no whole number',
    check(async (store) => {
      const third = { everyMs: 1000 / 3, burst: 300 }
      for (let i = 0; i < 300; i++) expect(await allowed(store, 'k', third), `${i}`).toBe(true)
      expect(await allowed(store, 'k', third)).toBe(false)
    }),
  )

  test(
    'gcra of several limits takes of all or of none, and looks without taking',
    check(async (store) => {
      const tight = { everyMs: 1000, burst: 1 }
      const both = { limits: [perSecond, tight], cost: 1 }
      expect(answered(await store.run('gcra', ['a', 'b'], both)).allowed).toBe(true)
      expect(await store.run('gcra', ['a', 'b'], both)).toEqual({
        allowed: false,
        limits: [
          { allowed: true, remaining: 2, retryAfterMs: 0, resetMs: 1000 },
          { allowed: false, remaining: 0, retryAfterMs: 1000, resetMs: 1000 },
        ],
      })
      const look = answered(await store.run('gcra', ['a'], { limits: [perSecond], cost: 0 }))
      expect(look).toMatchObject({ allowed: true, limits: [{ remaining: 2 }] })
      expect(await allowed(store, 'a', perSecond, 2)).toBe(true)
      const never = answered(await store.run('gcra', ['c'], { limits: [perSecond], cost: 4 }))
      expect(never).toMatchObject({ allowed: false, limits: [{ retryAfterMs: Number.POSITIVE_INFINITY }] })
    }),
  )

  test(
    'what an operation keeps expires when it means nothing any more',
    check(async (store, { advance }) => {
      await allowed(store, 'k')
      expect(answered(await store.get('k'))?.ttlMs).toBe(1000)
      advance(1000)
      expect(await store.get('k')).toBe(undefined)
    }),
  )

  test(
    'an operation on a value that is no number is refused, and leaves it',
    check(async (store) => {
      await written(store, 'text', 'text')
      answered(await store.put('nan', bytes('\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f').fill(0xff)))
      for (const key of ['text', 'nan']) {
        expect(await store.run('add', ['n', key], { by: 1 })).toEqual({ unavailable: 'refused' })
        expect(await store.run('gcra', [key], { limits: [perSecond], cost: 1 })).toEqual({ unavailable: 'refused' })
      }
      expect(await read(store, 'text')).toBe('text')
      expect(await store.get('n')).toBe(undefined)
    }),
  )
}
