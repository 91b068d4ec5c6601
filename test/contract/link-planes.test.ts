import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Commanded, isUnavailable, WORKER_BOUNDS } from '../../src/core/link.ts'
import type { FromWorker } from '../../src/core/protocol.ts'
import { PLANES, type Planes, type PlaneWorker } from './link/planes.ts'
import type { Seen } from './link/toy-worker.ts'

describe.each(PLANES)('planes joined by %s', (_, make) => {
  let planes: Planes
  beforeEach(() => {
    planes = make()
    planes.answers = { saw: () => true }
  })
  afterEach(() => planes.close())

  const feed = (name: string) => planes.feeds.of<unknown>('f', name)
  const command = (name: string, value?: unknown, ms?: number): Promise<Commanded> =>
    planes.links.command('f', name, value, ms)
  const seen = async ({ seen: all }: PlaneWorker, ...wanted: readonly Seen[]): Promise<void> => {
    await planes.sees(() => all.length >= wanted.length, `${JSON.stringify(wanted)} is seen`)
    expect(all).toEqual(wanted)
  }
  /** What was sent before has come, and what it leads to. */
  const settled = async (worker: PlaneWorker): Promise<void> => {
    const count = worker.seen.filter(({ note }) => note === 'settled').length
    void command('note', 'settled')
    await planes.sees(
      () => worker.seen.filter(({ note }) => note === 'settled').length > count,
      'what was sent before has come',
    )
  }
  const others = ({ seen: all }: PlaneWorker): Seen[] => all.filter(({ note }) => note !== 'settled')
  const staleness = (): string[] => Array.from(planes.feeds.states(), ({ labels, state }) => `${labels[1]} ${state}`)

  describe('feeds', () => {
    test('come to a new worker before all else, each with its latest value', async () => {
      for (const value of [1, 2, 3]) feed('a').publish(value)
      feed('b').publish('b')
      feed('none')
      const worker = planes.start(0)
      void command('note', 'first')
      await seen(worker, { a: 3, b: 'b' }, { b: 'b' }, { note: 'first' })
      expect(worker.batches).toBe(1)
    })

    test('come to all workers', async () => {
      const workers = [0, 1, 2].map((number) => planes.start(number))
      feed('b').publish(new Map([['key', new Uint8Array([1])]]))
      for (const worker of workers) await seen(worker, { b: new Map([['key', new Uint8Array([1])]]) })
    })

    test('are sent one at a time, and of what comes meanwhile the last', async () => {
      const [slow, quick] = [planes.start(0), planes.start(1)]
      slow.hold()
      for (let value = 0; value < 100; value++) {
        feed('b').publish(value)
        await planes.sees(() => others(quick).some(({ b }) => b === value), `${value} is seen`)
      }
      expect(quick.batches).toBe(100)
      expect(slow.batches).toBe(1)
      slow.release()
      await seen(slow, { b: 0 }, { b: 99 })
      expect(slow.batches).toBe(2)
    })

    test('come whole: who is called for one sees what else is new', async () => {
      const worker = planes.start(0)
      worker.hold()
      feed('a').publish(0)
      feed('a').publish(1)
      feed('b').publish('one')
      worker.release()
      await seen(worker, { a: 0, b: undefined }, { a: 1, b: 'one' }, { b: 'one' })
    })

    test('are copies: what happens to a value afterwards is not seen', async () => {
      const list = [1]
      feed('b').publish(list)
      list.push(2)
      await seen(planes.start(0), { b: [1] })
    })

    test('that end are forgotten; one that begins again is newer', async () => {
      feed('b').publish(1)
      const worker = planes.start(0)
      feed('b').end()
      await seen(worker, { b: 1 }, { b: undefined })
      expect(staleness()).toEqual([])
      const next = planes.start(1)
      await settled(next)
      expect(others(next)).toEqual([])
      feed('b').publish(2)
      await seen(next, { note: 'settled' }, { b: 2 })
      await planes.sees(() => others(worker).some(({ b }) => b === 2), 'it is seen')
    })

    test('that end and begin again at once, and before a slow worker has looked', async () => {
      const worker = planes.start(0)
      worker.hold()
      feed('b').publish(1)
      feed('b').end()
      feed('b').publish(2)
      worker.release()
      await planes.sees(() => others(worker).some(({ b }) => b === 2), 'the last one is seen')
      await settled(worker)
      expect(others(worker).at(-1)).toEqual({ b: 2 })
    })

    test.each([
      ['cannot be cloned', () => () => {}],
      ['is too large', () => 'x'.repeat(16 * 1_048_576)],
    ])('whose value %s keep the one before', async (_, value) => {
      feed('b').publish(1)
      const worker = planes.start(0)
      feed('b').publish(value())
      expect(staleness()).toEqual(['b stale'])
      await settled(worker)
      expect(others(worker)).toEqual([{ b: 1 }])
      await seen(planes.start(1), { b: 1 })
      feed('b').publish(2)
      expect(staleness()).toEqual(['b fresh'])
    })

    test('that cannot be loaded keep the last value, and are told once', async () => {
      feed('b').publish(1)
      feed('a').failed(new Error('never was one'))
      for (let i = 0; i < 3; i++) feed('b').failed(new Error(`x`.repeat(10_000)))
      await seen(planes.start(0), { b: 1 })
      expect(planes.log.lines.map(({ fields, message }) => [message, fields.feed, fields.version])).toEqual([
        ['a feed cannot be loaded', 'a', 0],
        ['a feed cannot be loaded', 'b', 1],
      ])
      expect(staleness()).toEqual(['b stale', 'a stale'])
      const [b] = planes.feeds.states()
      expect(b?.text.length).toBeLessThan(1000)
      expect(b?.since).toBeDefined()
      feed('b').publish(2)
      expect(planes.log.lines.at(-1)?.message).toBe('a feed is loaded again')
    })

    test('whose listener throws go on', async () => {
      const worker = planes.start(0)
      feed('a').publish('throw')
      feed('a').publish('again')
      await seen(worker, { a: 'throw', b: undefined }, { a: 'again', b: undefined })
    })

    test('come to the successor of a worker that died with one on its way', async () => {
      const worker = planes.start(0)
      worker.hold()
      feed('b').publish(1)
      feed('b').publish(2)
      await planes.kill(0)
      feed('b').publish(3)
      await seen(planes.start(0), { b: 3 })
    })

    test('do not mind a worker that acknowledges what it never got', async () => {
      const worker = planes.start(0)
      for (let i = 0; i < 10; i++) planes.feeds.receive(0, { type: 'fed' } satisfies FromWorker)
      worker.hold()
      for (const value of [1, 2, 3]) feed('b').publish(value)
      expect(worker.batches).toBe(1)
      worker.release()
      await seen(worker, { b: 1 }, { b: 3 })
    })

    test('of much data come in several messages', async () => {
      for (let i = 0; i < 5; i++) feed(`large ${i}`).publish('x'.repeat(600_000))
      const worker = planes.start(0)
      expect(worker.batches).toBe(5)
      await settled(worker)
    })
  })

  describe('what is needed before commit', () => {
    test('is waited for, and no longer than that', async () => {
      const worker = planes.start(0)
      await command('wait', 30_000)
      await settled(worker)
      expect(others(worker)).toEqual([])
      feed('needed').publish(1)
      await planes.sees(() => others(worker).length > 0, 'it has come')
      expect(others(worker)).toEqual([{ missing: [] }])
      await command('wait', 30_000)
      await planes.sees(() => others(worker).length > 1, 'it is there')
    })

    test('is named if it does not come', async () => {
      const worker = planes.start(0)
      feed('needed').failed(new Error('not to be had'))
      await command('wait', 30)
      await seen(worker, { missing: ['f needed'] })
    })
  })

  describe('commands', () => {
    test('are done when all workers have done them', async () => {
      const workers = [0, 1, 2].map((number) => planes.start(number))
      expect(await command('later', 7)).toEqual({ done: 3, missing: [] })
      for (const worker of workers) await seen(worker, { later: 7 })
    })

    test('without a worker, or without one that listens, are done', async () => {
      expect(await command('note', 7)).toEqual({ done: 0, missing: [] })
      planes.start(0)
      expect(await command('unheard of', 7)).toEqual({ done: 1, missing: [] })
    })

    test('of one name come in order', async () => {
      const worker = planes.start(0)
      const all = Array.from({ length: 20 }, (_, i) => command('later', i))
      await Promise.all(all)
      await seen(worker, ...all.map((_, i) => ({ later: i })))
    })

    test('that a worker fails at say so', async () => {
      planes.start(0)
      expect(await command('throws')).toEqual({ done: 0, missing: [{ worker: 0, why: 'failed' }] })
    })

    test('end in time', async () => {
      planes.start(0)
      let done: Commanded | undefined
      void command('never', undefined, 30).then((result) => {
        done = result
      })
      await planes.sees(() => done !== undefined, 'it ends')
      expect(done).toEqual({ done: 0, missing: [{ worker: 0, why: 'deadline' }] })
    })

    test('are done at once where the worker dies, and do not wait for its successor', async () => {
      planes.start(0)
      const slow = planes.start(1)
      slow.hold()
      const told = command('note', 1, 60_000)
      await planes.kill(1)
      planes.start(1).hold()
      expect(await told).toEqual({ done: 2, missing: [] })
    })

    test('are bounded in number and bytes', async () => {
      planes.start(0).hold()
      const all = Array.from({ length: WORKER_BOUNDS.questions }, () => command('note', 1, 60_000))
      expect(await command('note', 1, 60_000)).toEqual({ done: 0, missing: [{ worker: 0, why: 'full' }] })
      planes.workers[0]?.release()
      expect(await Promise.all(all)).toEqual(all.map(() => ({ done: 1, missing: [] })))
      const large = 'x'.repeat(WORKER_BOUNDS.bytes)
      expect(await command('note', large)).toEqual({ done: 0, missing: [{ worker: 0, why: 'too_large' }] })
    })
  })

  describe('questions of a worker', () => {
    test('are answered by the control half, or fail', async () => {
      planes.answers = { ...planes.answers, known: (value) => value }
      const worker = planes.start(0)
      await command('ask', 'known')
      await command('ask', 'unknown')
      await seen(worker, { answer: 1 }, { answer: { unavailable: 'failed' } })
      expect(planes.log.lines.map(({ fields }) => [fields.feature, fields.question])).toEqual([['f', 'unknown']])
    })

    test('that fail again and again are told now and then', async () => {
      planes.start(0)
      await Promise.all(Array.from({ length: 50 }, () => command('ask', 'unknown')))
      await planes.sees(() => planes.log.lines.length > 0, 'it is told')
      expect(planes.log.lines.length).toBeLessThan(10)
    })

    test('are dropped when the worker dies', async () => {
      let aborted = false
      let begun = false
      const held = (_: unknown, { signal }: { signal: AbortSignal }) => {
        begun = true
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            aborted = true
            reject(signal.reason as Error)
          })
        })
      }
      planes.answers = { ...planes.answers, held }
      planes.start(0)
      await command('ask', 'held')
      await planes.sees(() => begun, 'it is being answered')
      await planes.kill(0)
      expect(aborted).toBe(true)
    })

    test('are unavailable at once when the control half ends', async () => {
      let begun = false
      planes.answers = { ...planes.answers, held: () => new Promise(() => (begun = true)) }
      const worker = planes.start(0)
      await command('ask', 'held')
      await planes.sees(() => begun, 'it is being answered')
      planes.links.close()
      await planes.sees(
        () => worker.seen.some(({ answer }) => isUnavailable(answer) && answer.unavailable === 'gone'),
        'it is gone',
      )
    })
  })
})
