import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import type { SqliteStoreOptions } from '../../../src/stores/sqlite/sqlite-store.ts'
import { answered, bytes, keysOf, page, read, written } from '../../contract/store/harness.ts'
import { ManualClock } from '../../kit/clock.ts'
import { descriptors } from '../../kit/descriptors.ts'
import { inFolder, type OpenedSqlite, openedSqlite, trySqlite } from '../../kit/sqlite-store.ts'
import { settle, until } from '../../kit/until.ts'

const MISBEHAVING = new URL('../../kit/workers/store-thread.ts', import.meta.url)
const MIB = 1_048_576

/** A store whose thread misbehaves while {@link begin} holds, see `store-thread.ts`. */
async function misbehaving(folder: string, changed: Partial<SqliteStoreOptions> = {}): Promise<OpenedSqlite> {
  return openedSqlite(folder, { entry: MISBEHAVING, ...changed })
}

const begin = ({ file }: OpenedSqlite, what: 'stalls' | 'dies' | 'throws'): void => writeFileSync(`${file}.${what}`, '')
const end = ({ file }: OpenedSqlite, what: 'stalls' | 'dies' | 'throws'): void => rmSync(`${file}.${what}`)
const messages = ({ log }: OpenedSqlite): string[] => log.lines.map(({ message }) => message)

describe('a disk that stands still', () => {
  test(
    'costs a call its deadline; those that come then are answered at once, until it moves again',
    inFolder(async (folder) => {
      const opened = await misbehaving(folder, { deadlineMs: 300 })
      const { engine, store } = opened
      await written(store, 'before', 'one')
      begin(opened, 'stalls')
      expect(await store.get('before')).toEqual({ unavailable: 'deadline' })
      expect(engine.isUp).toBe(false)
      // Far more than may wait: nothing of it is sent.
      const refused = await Promise.all(Array.from({ length: 10_000 }, () => store.put('a', bytes('two'))))
      expect(new Set(refused.map((answer) => JSON.stringify(answer)))).toEqual(new Set(['{"unavailable":"deadline"}']))
      end(opened, 'stalls')
      await until(() => engine.isUp)
      expect(await read(store, 'before')).toBe('one')
      expect(await read(store, 'a')).toBe(undefined)
      expect(messages(opened)).toEqual([
        'the store does not answer: its disk may stand still',
        'the store answers again',
      ])
      await engine.close()
    }),
  )

  test(
    'holds so many calls and so many bytes, no more; each that was taken is answered',
    inFolder(async (folder) => {
      const opened = await misbehaving(folder)
      const { engine, store } = opened
      await written(store, 'small', 'one')
      begin(opened, 'stalls')
      const large = new Uint8Array(16 * MIB)
      const puts = Array.from({ length: 4 }, (_, i) => store.put(`large ${i}`, large))
      expect(await store.put('more', new Uint8Array(1))).toEqual({ unavailable: 'full' })
      const gets = Array.from({ length: 4096 - 4 }, () => store.get('small'))
      expect(await store.get('more')).toEqual({ unavailable: 'full' })
      end(opened, 'stalls')
      for (const answer of await Promise.all(puts)) expect(answer).toHaveProperty('version')
      for (const answer of await Promise.all(gets)) expect(answered(answer)?.value).toEqual(bytes('one'))
      await written(store, 'more', 'there is room again')
      await engine.close()
    }),
  )
})

describe('large answers', () => {
  test(
    'come a few at a time, and nothing gets out of order',
    inFolder(async (folder) => {
      const { engine, store } = await openedSqlite(folder)
      answered(await store.put('large', new Uint8Array(4 * MIB)))
      const gets = Array.from({ length: 20 }, () => store.get('large'))
      const pages = Array.from({ length: 20 }, () => store.scan('', { limit: 10 }))
      const [, changed] = await Promise.all([
        store.put('large', bytes('two')),
        store.get('large'),
        store.put('last', bytes('')),
      ])
      expect(answered(changed)?.value).toEqual(bytes('two'))
      for (const answer of await Promise.all(gets)) expect(answered(answer)?.value.byteLength).toBe(4 * MIB)
      for (const answer of await Promise.all(pages)) expect(answered(answer).entries[0]?.value.byteLength).toBe(4 * MIB)
      const more = Array.from({ length: 20 }, () => store.get('large'))
      await engine.close()
      for (const answer of await Promise.all(more)) expect(answered(answer)?.value).toEqual(bytes('two'))
    }),
  )
})

describe('a thread that dies', () => {
  test.each(['dies', 'throws'] as const)(
    '(it %s) fails what waits at once, and another one goes on with what was kept',
    (how) =>
      inFolder(async (folder) => {
        const opened = await misbehaving(folder)
        const { engine, store } = opened
        const version = await written(store, 'before', 'one')
        begin(opened, how)
        const waiting = Array.from({ length: 20 }, (_, i) => store.put(`${i}`, bytes('x')))
        for (const answer of await Promise.all(waiting)) expect(answer).toEqual({ unavailable: 'gone' })
        expect(engine.isUp).toBe(false)
        expect(await store.get('before')).toEqual({ unavailable: 'gone' })
        end(opened, how)
        await until(() => engine.isUp)
        expect(await read(store, 'before')).toBe('one')
        expect(await written(store, 'after', 'two')).toBeGreaterThan(version)
        expect(messages(opened)[0]).toBe('the store is down')
        expect(messages(opened).at(-1)).toBe('the store is up again')
        await engine.close()
      })(),
  )

  test(
    'is started again less and less often, and not after close',
    inFolder(async (folder) => {
      const opened = await misbehaving(folder)
      begin(opened, 'dies')
      const lines = opened.log.lines
      const delays = (): unknown[] =>
        lines.filter(({ message }) => message === 'the store is down').map(({ fields }) => fields.nextAttemptMs)
      await until(async () => {
        await opened.store.get('a')
        return delays().length === 4
      })
      expect(delays()).toEqual([100, 200, 400, 800])
      await opened.engine.close()
      const before = lines.length
      end(opened, 'dies')
      await settle()
      expect(lines.length).toBe(before)
      expect(await opened.store.get('a')).toEqual({ unavailable: 'gone' })
    }),
  )
})

describe('a file that is broken', () => {
  test.each([
    ['is none of SQLite', (file: string) => writeFileSync(file, 'x'.repeat(20_000))],
    ['has lost its end', (file: string) => writeFileSync(file, readFileSync(file).subarray(0, 9000))],
    ['has garbage in it', (file: string) => writeFileSync(file, readFileSync(file).fill(0x5a, 4096))],
  ])('(it %s) is set aside, and a new one begins empty', (_, harm) =>
    inFolder(async (folder) => {
      const first = await openedSqlite(folder)
      for (let i = 0; i < 200; i++) await written(first.store, `${i}`, 'v'.repeat(1000))
      const version = await written(first.store, 'last', '')
      await first.engine.close()
      harm(first.file)
      const harmed = readFileSync(first.file)
      const { engine, log, store } = await openedSqlite(folder, {}, new ManualClock(2000))
      expect(keysOf(await page(store, '', 10))).toEqual([])
      expect(await written(store, 'new', '')).toBeGreaterThan(version)
      expect(readFileSync(`${first.file}.broken`).equals(harmed)).toBe(true)
      const message = 'the store was broken: it begins again empty, the old file is set aside'
      expect(log.lines).toMatchObject([
        { level: 'error', message, fields: { file: first.file, setAside: `${first.file}.broken` } },
      ])
      await engine.close()
    })(),
  )

  test(
    'is noticed while it is in use, too',
    inFolder(async (folder) => {
      const opened = await openedSqlite(folder)
      const { engine, file, store } = opened
      for (let i = 0; i < 300; i++) await written(store, `${i}`, 'v'.repeat(20_000))
      await engine.close()
      const again = await openedSqlite(folder)
      // By another process: to close the file in this one would give up the lock on it.
      const harm = `require('fs').writeSync(require('fs').openSync(process.argv[1], 'r+'), Buffer.alloc(4096 * 1000, 90), 0, 4096 * 1000, 4096 * 20)`
      expect(spawnSync(process.execPath, ['-e', harm, file]).status).toBe(0)
      const read = (i: number) => again.store.get(`${i}`)
      let answers: unknown[] = []
      await until(async () => {
        answers = await Promise.all(Array.from({ length: 300 }, (_, i) => read(i)))
        return answers.every((answer) => answer === undefined)
      })
      expect(messages(again)).toContain('the store was broken: it begins again empty, the old file is set aside')
      await written(again.store, 'new', 'one')
      await again.engine.close()
    }),
  )
})

describe('a file that is not opened stays as it is', () => {
  async function changed(folder: string, sql: string): Promise<[file: string, before: Buffer]> {
    const { engine, file, store } = await openedSqlite(folder)
    await written(store, 'a', 'one')
    await engine.close()
    const db = new DatabaseSync(file)
    db.exec(sql)
    db.close()
    return [file, readFileSync(file)]
  }

  test(
    'of a newer Sluice',
    inFolder(async (folder) => {
      const [file, before] = await changed(folder, 'PRAGMA user_version = 2')
      expect(await trySqlite(folder)).toEqual({
        refused: 'newer',
        message: 'it was written by a newer Sluice (schema 2)',
      })
      expect(readFileSync(file).equals(before)).toBe(true)
    }),
  )

  test(
    'of another program',
    inFolder(async (folder) => {
      const [file, before] = await changed(folder, 'PRAGMA application_id = 7')
      expect(await trySqlite(folder)).toMatchObject({ refused: 'foreign' })
      expect(readFileSync(file).equals(before)).toBe(true)
    }),
  )

  test(
    'that is a folder, or lies where nothing can be written',
    inFolder(async (folder) => {
      mkdirSync(join(folder, 'store.db'))
      expect(await trySqlite(folder)).toMatchObject({ refused: 'failed' })
      expect(await trySqlite(join('/proc', 'self'))).toMatchObject({ refused: 'failed' })
    }),
  )
})

/** Writes until there is no room; returns the keys that were written. */
async function fill({ store }: OpenedSqlite, ttlMs?: number): Promise<string[]> {
  const kept: string[] = []
  for (;;) {
    const key = `fill ${kept.length}`
    const answer = await store.put(key, new Uint8Array(10_000), ttlMs === undefined ? {} : { ttlMs })
    if ('unavailable' in answer) {
      expect(answer).toEqual({ unavailable: 'full' })
      return kept
    }
    kept.push(key)
  }
}

/** Fills it, looks whether reads go on, makes room, and looks whether writes do. */
async function fillsUp(opened: OpenedSqlite, makeRoom: (keys: readonly string[]) => Promise<void>): Promise<void> {
  const { engine, log, store } = opened
  const kept = await fill(opened)
  expect(kept.length).toBeGreaterThan(20)
  for (const key of kept) expect(answered(await store.get(key))?.value.byteLength).toBe(10_000)
  // Each on its own: one that cannot be done takes no other with it.
  const [large, got] = await Promise.all([store.put('large', new Uint8Array(100_000)), store.get('fill 0')])
  expect(large).toEqual({ unavailable: 'full' })
  expect(answered(got)?.value.byteLength).toBe(10_000)
  await makeRoom(kept)
  await written(store, 'again', 'v'.repeat(10_000))
  expect(engine.isUp).toBe(true)
  expect(log.lines).toEqual([])
}

const mounted = join('/tmp', `sluice-full-${process.pid}`)
const canMount = ((): boolean => {
  mkdirSync(mounted, { recursive: true })
  const done = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mounted]).status === 0
  if (done) spawnSync('umount', [mounted])
  rmSync(mounted, { recursive: true })
  return done
})()

describe('a store that is full', () => {
  test(
    'at its own bound says so, is read as before, and takes more when something has left',
    inFolder(async (folder) => {
      const opened = await openedSqlite(folder, { bytes: MIB })
      await fillsUp(opened, async (keys) => {
        for (const key of keys.slice(0, 20)) expect(await opened.store.delete(key)).toBe(true)
      })
      expect(statSync(opened.file).size).toBeLessThanOrEqual(MIB)
      await opened.engine.close()
    }),
  )

  test.skipIf(!canMount)(
    'since its disk is, goes on when there is room on it (needs to mount a file system)',
    async () => {
      mkdirSync(mounted)
      expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mounted]).status).toBe(0)
      const other = join(mounted, 'other')
      writeFileSync(other, Buffer.alloc(MIB))
      const opened = await openedSqlite(mounted)
      try {
        await fillsUp(opened, async () => rmSync(other))
        await opened.engine.close()
        const again = await openedSqlite(mounted)
        expect(await read(again.store, 'again')).toBe('v'.repeat(10_000))
        await again.engine.close()
      } finally {
        await opened.engine.close()
        spawnSync('umount', [mounted])
        rmSync(mounted, { recursive: true, force: true })
      }
    },
  )

  test(
    'throws away what has expired before it says so',
    inFolder(async (folder) => {
      const opened = await openedSqlite(folder, { bytes: MIB })
      await fill(opened, 1000)
      opened.wall.advance(1000)
      await written(opened.store, 'new', 'v'.repeat(300_000))
      expect(keysOf(await page(opened.store, '', 100))).toEqual(['new'])
      await opened.engine.close()
    }),
  )
})

describe('close', () => {
  test(
    'answers what was asked before, leaves all of it in the one file, and answers nothing more',
    inFolder(async (folder) => {
      const first = await openedSqlite(folder)
      const puts = Array.from({ length: 500 }, (_, i) => first.store.put(`${i}`, bytes('v')))
      const closed = first.engine.close()
      expect(await first.store.get('0')).toEqual({ unavailable: 'gone' })
      await closed
      for (const answer of await Promise.all(puts)) expect(answer).toHaveProperty('version')
      expect(existsSync(`${first.file}-wal`)).toBe(false)
      expect(statSync(first.file).mode & 0o777).toBe(0o600)
      const again = await openedSqlite(folder)
      expect(keysOf(await page(again.store, '', 1000))).toHaveLength(500)
      await again.engine.close()
    }),
  )

  test(
    'leaves nothing open, however often',
    inFolder(async (folder) => {
      const once = async (): Promise<void> => {
        const { engine, store } = await openedSqlite(folder)
        await written(store, 'a', 'one')
        await engine.close()
      }
      for (let i = 0; i < 3; i++) await once()
      const before = await descriptors(process.pid)
      for (let i = 0; i < 10; i++) await once()
      expect(await descriptors(process.pid)).toBeLessThanOrEqual(before)
    }),
  )
})
