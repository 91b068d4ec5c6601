import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AuditIndex } from '../../../../../src/control/operations/audit/audit-index.ts'
import { AuditLog } from '../../../../../src/control/operations/audit/audit-log.ts'
import type { AuditFilter } from '../../../../../src/control/operations/audit/blocks.ts'
import { auditFile, auditFiles } from '../../../../../src/control/operations/audit/folder.ts'
import { verifyAudit } from '../../../../../src/control/operations/audit/verify.ts'
import { ManualClock } from '../../../../kit/clock.ts'
import { TestStore } from '../../../../kit/store.ts'
import { settle } from '../../../../kit/until.ts'

const ANY: AuditFilter = { before: undefined, actor: undefined, action: undefined, since: undefined, until: undefined }

let root: string
let folder: string
let stored: TestStore
let clock: ManualClock
let shortened: number

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-audit-'))
  folder = join(root, 'audit')
  stored = new TestStore()
  clock = new ManualClock()
  shortened = 0
})

afterEach(() => rm(root, { recursive: true, force: true }))

/** A process that writes the log. */
async function start(limits = { fileBytes: 100_000, files: 10 }) {
  const index = new AuditIndex(folder, stored.store)
  await index.load()
  const log = new AuditLog({
    folder,
    index,
    clock,
    limits,
    repaired: () => {},
    shortened: (lines) => {
      shortened += lines
    },
  })
  const write = async (count: number, entry: (i: number) => object): Promise<void> => {
    for (let i = 0; i < count; i++) {
      clock.advance(1_000)
      await log.append(entry(i))
    }
    await settle()
  }
  return { index, log, write }
}

const by = (name: string, action: string): object => ({ action, who: { by: 'token', name } })

async function numbers(index: AuditIndex, filter: Partial<AuditFilter> = {}, limit = 1000): Promise<number[]> {
  return (await index.find({ ...ANY, ...filter }, limit)).entries.map(({ number }) => number)
}

/** The right answer: all lines of all files. */
async function all(): Promise<{ number: number; action: string; time: string; who: { name?: string; by: string } }[]> {
  const texts = await Promise.all((await auditFiles(folder)).map((file) => readFile(auditFile(folder, file), 'utf8')))
  return texts.flatMap((text) => text.trimEnd().split('\n')).map((line) => JSON.parse(line))
}

describe('finding', () => {
  test('the latest, and older ones page by page, through several files', async () => {
    const { index, write } = await start({ fileBytes: 10_000, files: 10 })
    await write(250, (i) => by('ci', `do ${i}`))
    expect((await auditFiles(folder)).length).toBeGreaterThan(3)
    let before: number | undefined
    const seen: number[] = []
    do {
      const page = await index.find({ ...ANY, before }, 99)
      seen.unshift(...page.entries.map(({ number }) => number))
      before = page.before
    } while (before !== undefined)
    expect(seen).toEqual(Array.from({ length: 250 }, (_, i) => i + 1))
  })

  test('by actor, action, time and number, as reading all lines does', async () => {
    const { index, write } = await start({ fileBytes: 40_000, files: 10 })
    const names = ['ci', 'ann', 'bob']
    await write(600, (i) => {
      if (i % 200 === 7) return { action: 'config', who: { by: 'file' } }
      return by(names[(i * 7) % 3] as string, i % 150 === 3 ? 'rollback' : 'endpoints')
    })
    const lines = await all()
    const timeOf = (number: number): number => Date.parse(lines[number - 1]?.time as string)
    const cases: (Partial<AuditFilter> & { want: (line: (typeof lines)[number]) => boolean })[] = [
      { actor: 'ann', want: ({ who }) => who.name === 'ann' },
      { actor: 'file', want: ({ who }) => who.by === 'file' },
      { action: 'rollback', want: ({ action }) => action === 'rollback' },
      { actor: 'none', want: () => false },
      { since: timeOf(400), until: timeOf(405), want: ({ number }) => number >= 400 && number <= 405 },
      { since: timeOf(595), want: ({ number }) => number >= 595 },
      { before: 12, want: ({ number }) => number < 12 },
      {
        action: 'rollback',
        before: 450,
        since: timeOf(100),
        want: ({ action, number }) => action === 'rollback' && number >= 100 && number < 450,
      },
    ]
    for (const { want, ...filter } of cases)
      expect(await numbers(index, filter), JSON.stringify(filter)).toEqual(
        lines
          .filter(want)
          .map(({ number }) => number)
          .slice(-1000),
      )
  })

  test('where the clock was set back', async () => {
    const { index, log } = await start()
    clock.advance(100_000)
    await log.append(by('ci', 'late'))
    clock.advance(-90_000)
    await log.append(by('ci', 'early'))
    const until = clock.wall() + 1
    expect((await index.find({ ...ANY, until }, 10)).entries.map(({ action }) => action)).toEqual(['early'])
    expect((await index.find({ ...ANY, since: until }, 10)).entries.map(({ action }) => action)).toEqual(['late'])
  })

  test('what another process appended, and nothing of files that are gone', async () => {
    const first = await start({ fileBytes: 5_000, files: 3 })
    await first.write(50, () => by('ci', 'a'))
    const second = await start({ fileBytes: 5_000, files: 3 })
    await second.write(70, () => by('ci', 'b'))
    const kept = (await all()).map(({ number }) => number)
    expect(kept.at(-1)).toBe(120)
    expect(kept[0]).toBeGreaterThan(1)
    expect(await numbers(first.index)).toEqual(kept)
    expect(await numbers(second.index)).toEqual(kept)
  })

  test('an empty folder, and one that is none', async () => {
    const { index } = await start()
    expect(await index.find(ANY, 10)).toEqual({ entries: [], before: undefined })
    await writeFile(folder, 'in the way')
    await expect(index.find(ANY, 10)).rejects.toThrow('ENOTDIR')
  })
})

describe('a restart', () => {
  test('knows the end at once, without reading a file', async () => {
    const before = await start()
    await before.write(20, () => by('ci', 'a'))
    const { index, log } = await start()
    expect(index.tail).toMatchObject({ file: 1, last: { number: 20 } })
    // A log that would be read would be found broken.
    expect(await log.append(by('ci', 'b'))).toMatchObject({ number: 21 })
    expect(await verifyAudit(folder)).toMatchObject({ entries: 21, broken: undefined })
  })

  test('finds lines that were written after the index, or before there was one', async () => {
    await (await start()).write(300, () => by('ci', 'a'))
    stored.down = 'gone'
    await (await start()).write(300, () => by('ann', 'b'))
    stored.down = undefined
    expect(await numbers((await start()).index, { actor: 'ann' })).toEqual(
      Array.from({ length: 300 }, (_, i) => 301 + i),
    )
    stored = new TestStore()
    expect(await numbers((await start()).index, { actor: 'ci' })).toHaveLength(300)
  })

  test('sees that lines were cut off the end meanwhile, and leaves the gap to be seen', async () => {
    await (await start()).write(5, () => by('ci', 'a'))
    const lines = (await readFile(auditFile(folder, 1), 'utf8')).trimEnd().split('\n')
    await writeFile(auditFile(folder, 1), `${lines.slice(0, 3).join('\n')}\n`)
    const { index, write } = await start()
    await write(1, () => by('ci', 'b'))
    expect(shortened).toBe(2)
    expect((await verifyAudit(folder)).broken).toMatchObject({ why: 'it is number 6; 4 was due' })
    expect(await numbers(index)).toEqual([1, 2, 3, 6])
  })

  test('goes on after a torn line', async () => {
    await (await start()).write(2, () => by('ci', 'a'))
    await appendFile(auditFile(folder, 1), '{"number":3,"ti')
    const { index, write } = await start()
    expect(await numbers(index)).toEqual([1, 2])
    await write(1, () => by('ci', 'b'))
    expect(shortened).toBe(0)
    expect(await numbers(index)).toEqual([1, 2, 3])
  })

  test('does not believe records that do not fit', async () => {
    await (await start({ fileBytes: 1e6, files: 10 })).write(600, () => by('ci', 'a'))
    const keys = await stored.keys('audit/')
    expect(keys.length).toBeGreaterThan(2)
    await stored.store.put(keys[1] as string, Buffer.from('{"file":1,"from":"x"}'))
    await stored.store.put('audit/9/9', Buffer.from('not JSON'))
    await stored.store.put('audit/8/8', Buffer.from(JSON.stringify({ file: 3, from: 0, to: 9, entries: 1 })))
    const { index } = await start()
    expect(await numbers(index, {}, 1000)).toHaveLength(600)
    await settle()
    expect(await stored.keys('audit/')).toEqual(keys)
  })

  test('of a log that was made anew finds what is there now', async () => {
    await (await start()).write(100, () => by('ci', 'a'))
    await rm(folder, { recursive: true })
    const other = new TestStore()
    const log = new AuditLog({
      folder,
      index: new AuditIndex(folder, other.store),
      clock,
      repaired: () => {},
      shortened: () => {},
    })
    for (let i = 0; i < 10; i++) await log.append(by('ann', 'b'))
    expect(await numbers((await start()).index, { actor: 'ci' })).toEqual([])
    expect(await numbers((await start()).index, { actor: 'ann' })).toHaveLength(10)
  })
})

test('what is asked while lines are appended is whole, and so is the index', async () => {
  const { index, log } = await start({ fileBytes: 5_000, files: 3 })
  const asked: Promise<number[]>[] = []
  const appended: Promise<unknown>[] = []
  for (let i = 0; i < 120; i++) {
    const done = log.append(by('ci', `do ${i}`))
    appended.push(done)
    asked.push(numbers(index))
    if (i % 3 === 0) await done
  }
  await Promise.all(appended)
  for (const found of await Promise.all(asked))
    expect(found).toEqual(Array.from(found, (_, i) => (found[0] as number) + i))
  const kept = (await all()).map(({ number }) => number)
  expect(await numbers(index)).toEqual(kept)
  await settle()
  expect(await numbers((await start()).index)).toEqual(kept)
})

test('one question reads so much and no more, and says where to go on', async () => {
  const { index, write } = await start({ fileBytes: 8e6, files: 10 })
  await write(1, () => by('ann', 'first'))
  const padding = 'x'.repeat(60_000)
  await write(300, () => ({ ...by('ci', 'a'), padding }))
  // Every block may have her: too many names to list.
  const page = await index.find({ ...ANY, action: 'first' }, 10)
  expect(page.entries.map(({ number }) => number)).toEqual([1])
  const none = await index.find({ ...ANY, since: 0 }, 1000)
  expect(none.entries.length).toBeLessThan(301)
  expect(none.before).toBe(none.entries[0]?.number)
  const rest = await index.find({ ...ANY, before: none.before }, 1000)
  expect(rest.entries.length + none.entries.length).toBe(301)
}, 60_000)

test('a slow store holds nothing up', async () => {
  const { index, log } = await start()
  stored.hold()
  for (let i = 0; i < 50; i++) await log.append(by('ci', 'a'))
  expect(await numbers(index)).toHaveLength(50)
  stored.release()
  await settle()
  expect(await numbers((await start()).index)).toHaveLength(50)
})
