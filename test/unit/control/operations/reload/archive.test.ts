import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Archive, type KeptConfig } from '../../../../../src/control/operations/reload/archive.ts'
import { archivedFiles, takeOverFiles } from '../../../../../src/control/operations/reload/archive-files.ts'
import { isUnavailable } from '../../../../../src/core/link.ts'
import { memoryLog } from '../../../../kit/log.ts'
import { TestStore } from '../../../../kit/store.ts'

const MAIN = '/etc/sluice.yaml'

const config = (hash: string, more: Partial<KeptConfig> = {}): Omit<KeptConfig, 'number'> => ({
  hash,
  savedAt: '2026-01-01T00:00:00.000Z',
  source: 'files',
  main: MAIN,
  documents: { [MAIN]: `# ${hash}` },
  ...more,
})

let stored: TestStore
let archive: Archive

beforeEach(() => {
  stored = new TestStore()
  archive = new Archive(stored.store)
})

async function listed(): Promise<string[]> {
  const kept = await archive.list()
  if (isUnavailable(kept)) throw new Error(kept.unavailable)
  return kept.map(({ hash, number }) => `${number} ${hash}`)
}

async function keep(...configs: Omit<KeptConfig, 'number'>[]): Promise<void> {
  for (const one of configs) expect(await archive.keep(one)).toBeUndefined()
}

describe('an archive', () => {
  test('has what was kept, the latest first; the same again is there already', async () => {
    await keep(config('a'), config('b'), config('b'), config('a'))
    expect(await listed()).toEqual(['3 a', '2 b', '1 a'])
    expect(await archive.read(2)).toEqual({ number: 2, ...config('b') })
    expect(await archive.read(7)).toBeUndefined()
    expect(await archive.latest(MAIN)).toMatchObject({ number: 3 })
  })

  test('finds the latest of a source, also where another one was live since', async () => {
    await keep(config('a'), config('b', { main: '/other' }))
    expect(await archive.latest(MAIN)).toMatchObject({ hash: 'a' })
    expect(await archive.latest('/none')).toBeUndefined()
  })

  test('keeps the latest 20, and nothing of the others', async () => {
    await keep(...Array.from({ length: 30 }, (_, i) => config(`h${i}`)))
    expect(await listed()).toEqual(Array.from({ length: 20 }, (_, i) => `${30 - i} h${29 - i}`))
    expect(await stored.keys('configs/')).toHaveLength(40)
  })

  test('is bounded in bytes; the latest is kept, however large it is', async () => {
    const large = (hash: string, mib: number) => config(hash, { documents: { [MAIN]: 'x'.repeat(mib * 1_048_576) } })
    await keep(large('a', 30), large('b', 30), large('c', 30))
    expect(await listed()).toEqual(['3 c', '2 b'])
    await keep(large('d', 70))
    expect(await listed()).toEqual(['4 d'])
    expect(await archive.read(4)).toMatchObject(large('d', 70))
    expect((await stored.keys('configs/texts/')).length).toBe(71)
  })

  test('has texts of any kind', async () => {
    const documents = { [MAIN]: 'é€😀\u2028"\\\0', '/etc/empty.yaml': '', '/etc/large.yaml': 'é'.repeat(1_048_576) }
    await keep(config('a', { documents }))
    expect(await archive.read(1)).toMatchObject({ documents })
  })

  test.each([
    ['its facts are no JSON', (kept: TestStore) => kept.store.put('configs/facts/000000000002', Buffer.from('{"ha'))],
    ['its facts are of a newer version', (kept: TestStore) => edit(kept, { zone: 1 })],
    ['a text was changed', (kept: TestStore) => kept.store.put('configs/texts/2/0', Buffer.from('{}'))],
    ['a part is missing', (kept: TestStore) => kept.store.delete('configs/texts/2/0')],
    ['it claims to be larger than it is', (kept: TestStore) => edit(kept, { bytes: 1e12 })],
  ])('passes over a config of which %s', async (_, spoil) => {
    await keep(config('a'), config('b'))
    await spoil(stored)
    expect(await archive.latest(MAIN)).toMatchObject({ number: 1 })
    expect(await archive.read(2)).toBeUndefined()
    await keep(config('b'))
    expect(await archive.latest(MAIN)).toMatchObject({ number: 3, hash: 'b' })
  })

  test('says what it cannot do, and goes on when it can', async () => {
    await keep(config('a'))
    stored.down = 'full'
    expect(await archive.keep(config('b'))).toEqual({ unavailable: 'full' })
    expect(await archive.list()).toEqual({ unavailable: 'full' })
    expect(await archive.read(1)).toEqual({ unavailable: 'full' })
    expect(await archive.latest(MAIN)).toEqual({ unavailable: 'full' })
    stored.down = undefined
    await keep(config('b'))
    expect(await listed()).toEqual(['2 b', '1 a'])
  })

  test.each(Array.from({ length: 12 }, (_, i) => i))(
    'killed after %i writes has whole configs only',
    async (writes) => {
      const documents = { [MAIN]: 'x'.repeat(2_500_000) }
      await keep(...Array.from({ length: 20 }, (_, i) => config(`h${i}`)))
      stored.writes = 0
      stored.most = writes
      await archive.keep(config('new', { documents }))
      stored.most = Number.POSITIVE_INFINITY
      const kept = await archive.list()
      if (isUnavailable(kept)) throw new Error(kept.unavailable)
      expect(kept.length).toBeGreaterThanOrEqual(20)
      const whole = await Promise.all(kept.map(({ number }) => archive.read(number)))
      expect(whole.filter((one) => one === undefined).length).toBeLessThanOrEqual(kept.length - 20)
      await keep(config('newer'), config('newest'))
      expect(await listed()).toHaveLength(20)
      expect((await stored.keys('configs/facts/')).length).toBe(20)
      const texts = (await stored.keys('configs/texts/')).map((key) => key.split('/')[2])
      expect(new Set(texts).size).toBe(20)
    },
  )
})

describe('files of an earlier version', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-files-'))
    await mkdir(join(folder, 'configs'))
  })

  afterEach(() => rm(folder, { recursive: true, force: true }))

  const write = (number: number, text: string): Promise<void> =>
    writeFile(join(folder, 'configs', `${String(number).padStart(6, '0')}.json`), text)
  const file = (number: number, hash = `h${number}`): Promise<void> =>
    write(number, JSON.stringify({ number, ...config(hash, { savedAt: `2025-01-01T00:00:0${number}.000Z` }) }))
  const takeOver = (durable = true) => {
    const log = memoryLog()
    return takeOverFiles(folder, archive, { durable, log }).then(() => log.lines.map(({ message }) => message))
  }

  test('are taken over once, with their numbers, and are gone then', async () => {
    for (const number of [7, 8, 9]) await file(number)
    expect(await takeOver()).toEqual(['the history of configs was taken over from its files'])
    expect(await listed()).toEqual(['9 h9', '8 h8', '7 h7'])
    expect(await archive.read(8)).toEqual({ number: 8, ...config('h8', { savedAt: '2025-01-01T00:00:08.000Z' }) })
    expect(await readdir(folder)).toEqual([])
    expect(await takeOver()).toEqual([])
    await keep(config('new'))
    expect((await listed())[0]).toBe('10 new')
  })

  test('that are broken, or of something else, are left out', async () => {
    await file(1)
    await write(2, '{"number": 2, "ha')
    await write(3, 'null')
    await write(4, JSON.stringify({ number: 4, ...config('x'), documents: { a: 7 } }))
    await write(5, JSON.stringify({ number: 5, ...config('x'), source: 'elsewhere' }))
    await writeFile(join(folder, 'configs', 'notes.txt'), 'x')
    expect((await archivedFiles(folder)).map(({ number }) => number)).toEqual([1])
    await takeOver()
    expect(await listed()).toEqual(['1 h1'])
  })

  test('stay where the archive does not outlive the process, which has them, too', async () => {
    await file(1)
    expect(await takeOver(false)).toEqual([])
    expect(await listed()).toEqual(['1 h1'])
    expect(await readdir(join(folder, 'configs'))).toHaveLength(1)
  })

  test('stay if they cannot be taken over, and are taken over the next time, whatever was done by then', async () => {
    for (const number of [1, 2, 3]) await file(number)
    stored.most = 3
    expect(await takeOver()).toEqual(['the history of configs cannot be taken over from its files'])
    expect(await readdir(join(folder, 'configs'))).toHaveLength(3)
    stored.most = Number.POSITIVE_INFINITY
    await takeOver()
    expect(await listed()).toEqual(['3 h3', '2 h2', '1 h1'])
  })

  test('of a version that was gone back to for a while come after what there is', async () => {
    await keep(...Array.from({ length: 5 }, (_, i) => config(`old${i}`)))
    await file(1, 'back')
    await takeOver()
    expect((await listed()).slice(0, 2)).toEqual(['6 back', '5 old4'])
  })

  test('are 20 at most', async () => {
    for (let number = 1; number < 10; number++) await file(number)
    await keep(...Array.from({ length: 15 }, (_, i) => config(`old${i}`)))
    await takeOver()
    expect(await listed()).toHaveLength(20)
  })
})

async function edit({ store }: TestStore, more: object): Promise<unknown> {
  const key = 'configs/facts/000000000002'
  const entry = await store.get(key)
  if (entry === undefined || isUnavailable(entry)) throw new Error('it is not there')
  return store.put(key, Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(entry.value).toString()), ...more })))
}
