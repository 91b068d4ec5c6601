import { expect, test } from 'vitest'
import { answered, type CheckStore, keysOf, page, read, taken, written } from './harness.ts'

export function leases(check: CheckStore): void {
  test(
    'one owner holds a lease, until it ends or is given back',
    check(async (store, { advance }) => {
      const first = await taken(store, 'job', 'one', 100)
      advance(30)
      expect(await store.lease('job', 'two', 100)).toEqual({ heldBy: 'one', ttlMs: 70 })
      advance(70)
      const second = await taken(store, 'job', 'two', 100)
      expect(second.fence).toBeGreaterThan(first.fence)
      expect(await first.renew(100)).toBe(false)
      expect(await first.release()).toBe(false)
      expect(await second.release()).toBe(true)
      expect((await taken(store, 'job', 'one', 100)).fence).toBeGreaterThan(second.fence)
    }),
  )

  test(
    'a lease that is renewed goes on, with its fence',
    check(async (store, { advance }) => {
      const lease = await taken(store, 'job', 'one', 100)
      advance(99)
      expect(await lease.renew(100)).toBe(true)
      advance(99)
      expect(await store.lease('job', 'two', 1)).toMatchObject({ heldBy: 'one' })
      advance(1)
      expect(await lease.renew(100)).toBe(false)
    }),
  )

  test(
    'the holder that asks again, since an answer was lost, has the same lease',
    check(async (store, { advance }) => {
      const { fence } = await taken(store, 'job', 'one', 100)
      advance(50)
      expect((await taken(store, 'job', 'one', 100)).fence).toBe(fence)
      advance(99)
      expect(await store.lease('job', 'two', 100)).toMatchObject({ heldBy: 'one' })
    }),
  )

  test(
    'of many that ask at once, one holds it',
    check(async (_, open) => {
      const asked = Array.from({ length: 20 }, (_, i) => open.of('').lease('job', `owner ${i}`, 100))
      const answers = (await Promise.all(asked)).map(answered)
      expect(answers.filter((answer) => 'fence' in answer)).toHaveLength(1)
    }),
  )

  test(
    'a lease and the entry of the same key do not touch each other',
    check(async (store) => {
      const lease = await taken(store, 'job', 'one', 100)
      expect(keysOf(await page(store, '', 10))).toEqual([])
      await written(store, 'job', 'value')
      expect(await store.delete('job')).toBe(true)
      expect(await lease.renew(100)).toBe(true)
      await written(store, 'job', 'value')
      expect(await lease.release()).toBe(true)
      expect(await read(store, 'job')).toBe('value')
    }),
  )
}
