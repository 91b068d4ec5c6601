import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AuditLog } from '../../../../../src/control/operations/audit/audit-log.ts'
import { GENESIS, hashOf } from '../../../../../src/control/operations/audit/chain.ts'
import { auditFile, auditFiles } from '../../../../../src/control/operations/audit/folder.ts'
import { verifyAudit } from '../../../../../src/control/operations/audit/verify.ts'
import { ManualClock } from '../../../../kit/clock.ts'

let root: string
let folder: string
let repaired: number[]
let shortened: number[]
/** Nothing is remembered of an earlier process. */
const NO_INDEX = { tail: undefined, appended: () => {} }

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-audit-'))
  folder = join(root, 'audit')
  repaired = []
  shortened = []
})

afterEach(() => rm(root, { recursive: true, force: true }))

const SMALL = { fileBytes: 600, files: 3 }

function auditLog(limits = { fileBytes: 1e6, files: 10 }): AuditLog {
  return new AuditLog({
    folder,
    index: NO_INDEX,
    clock: new ManualClock(1500),
    limits,
    repaired: (bytes) => repaired.push(bytes),
    shortened: (lines) => shortened.push(lines),
  })
}

async function filled(count: number, limits = SMALL): Promise<AuditLog> {
  const log = auditLog(limits)
  for (let i = 1; i <= count; i++) await log.append({ action: `do ${i}` })
  return log
}

async function lines(file = 1): Promise<string[]> {
  return (await readFile(auditFile(folder, file), 'utf8')).split('\n').slice(0, -1)
}

describe('appending', () => {
  test('each line holds the hash of the one before', async () => {
    const log = auditLog()
    const links = [await log.append({ action: 'a' }), await log.append({ action: 'b', why: 'ü\n' })]
    const [first = '', second = '', ...more] = await lines()
    expect(more).toEqual([])
    expect(JSON.parse(first)).toEqual({ number: 1, time: '2026-01-01T00:00:01.500Z', action: 'a', previous: GENESIS })
    expect(JSON.parse(second)).toMatchObject({ number: 2, action: 'b', why: 'ü\n', previous: hashOf(first) })
    expect(links).toEqual([
      { number: 1, hash: hashOf(first) },
      { number: 2, hash: hashOf(second) },
    ])
    expect(await verifyAudit(folder)).toEqual({ entries: 2, first: 1, last: links[1], torn: false, broken: undefined })
  })

  test('for its owner only', async () => {
    await filled(1)
    expect((await stat(auditFile(folder, 1))).mode & 0o777).toBe(0o600)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
  })

  test('many at once stay in order', async () => {
    const log = auditLog()
    await Promise.all(Array.from({ length: 50 }, (_, i) => log.append({ action: i })))
    expect((await lines()).map((line) => JSON.parse(line).action)).toEqual(Array.from({ length: 50 }, (_, i) => i))
    expect(await verifyAudit(folder)).toMatchObject({ entries: 50, broken: undefined })
  })

  test('goes on after a restart, and where somebody else has appended', async () => {
    const first = await filled(2)
    const second = auditLog()
    await second.append({ action: 'second' })
    await first.append({ action: 'first again' })
    await second.append({ action: 'second again' })
    expect(await verifyAudit(folder)).toMatchObject({ entries: 5, broken: undefined })
  })

  test('files are bounded in size and number, and the chain goes through them', async () => {
    await filled(20)
    const numbers = await auditFiles(folder)
    expect(numbers).toHaveLength(3)
    for (const number of numbers) expect((await stat(auditFile(folder, number))).size).toBeLessThan(900)
    const verdict = await verifyAudit(folder)
    expect(verdict).toMatchObject({ last: { number: 20 }, broken: undefined })
    expect(verdict.first).toBe(20 - verdict.entries + 1)
    expect(verdict.first).toBeGreaterThan(1)
  })

  test('rejects where it cannot be written, and goes on when it can', async () => {
    await writeFile(folder, 'in the way')
    const log = auditLog()
    await expect(log.append({ action: 'lost' })).rejects.toThrow()
    await rm(folder)
    await log.append({ action: 'kept' })
    expect(await verifyAudit(folder)).toMatchObject({ entries: 1, first: 1, broken: undefined })
  })
})

describe('a crash in the middle of a line', () => {
  test.each([
    ['at any byte of it', '{"number":3,"time":"2026'],
    ['where the file system left zeros', '\0\0\0\0'],
  ])('%s: the next start cuts it', async (_, rest) => {
    await filled(2)
    await appendFile(auditFile(folder, 1), rest)
    expect(await verifyAudit(folder)).toMatchObject({ entries: 2, torn: true, broken: undefined })
    await auditLog().append({ action: 'after' })
    expect(repaired).toEqual([rest.length])
    expect(await verifyAudit(folder)).toMatchObject({ entries: 3, torn: false, broken: undefined })
  })

  test('right after a new file was made', async () => {
    await filled(4)
    const last = (await auditFiles(folder)).at(-1) as number
    await writeFile(auditFile(folder, last + 1), '')
    await auditLog(SMALL).append({ action: 'after' })
    expect(await lines(last + 1)).toHaveLength(1)
    expect(await verifyAudit(folder)).toMatchObject({ entries: 5, broken: undefined })
  })
})

describe('verify names the first line that breaks the chain', () => {
  beforeEach(async () => {
    await filled(12, { fileBytes: 600, files: 10 })
  })

  const edit = async (change: (lines: string[]) => string[], file = 1): Promise<void> => {
    await writeFile(
      auditFile(folder, file),
      change(await lines(file))
        .map((line) => `${line}\n`)
        .join(''),
    )
  }

  test('an entry was changed: the one after it does not follow', async () => {
    await edit((all) => all.map((line, i) => (i === 1 ? line.replace('do 2', 'do nothing') : line)))
    expect((await verifyAudit(folder)).broken).toMatchObject({ file: auditFile(folder, 1), line: 3 })
  })

  test('the last entry of a file was changed: the next file does not follow', async () => {
    await edit((all) => all.map((line, i) => (i === all.length - 1 ? line.replace('do ', 'did ') : line)))
    expect((await verifyAudit(folder)).broken).toMatchObject({ file: auditFile(folder, 2), line: 1 })
  })

  test('an entry was removed, or moved', async () => {
    await edit((all) => all.toSpliced(1, 1))
    expect((await verifyAudit(folder)).broken).toMatchObject({ line: 2, why: 'it is number 3; 2 was due' })
    await filled(0)
    await edit((all) => all.toReversed())
    expect((await verifyAudit(folder)).broken).toBeDefined()
  })

  test('an entry was put in, with the right number and no right hash', async () => {
    await edit((all) => all.toSpliced(1, 1, JSON.stringify({ number: 2, time: 'now', previous: GENESIS })))
    expect((await verifyAudit(folder)).broken).toMatchObject({ line: 2 })
  })

  test('a line is none, a file in the middle is gone, or has no end', async () => {
    await edit((all) => all.toSpliced(0, 0, 'x'), 2)
    expect((await verifyAudit(folder)).broken).toMatchObject({ file: auditFile(folder, 2), line: 1 })
    await rm(auditFile(folder, 2))
    expect((await verifyAudit(folder)).broken).toMatchObject({ file: auditFile(folder, 3), line: 1 })
    await truncate(auditFile(folder, 1), (await stat(auditFile(folder, 1))).size - 3)
    expect((await verifyAudit(folder)).broken).toMatchObject({ file: auditFile(folder, 1), why: 'it has no end' })
  })

  test('a log that begins anew in the middle', async () => {
    await edit(([first = '', ...rest]) => [first.replace(/"previous":".*"/, `"previous":"${GENESIS}"`), ...rest], 2)
    await rm(auditFile(folder, 1))
    expect((await verifyAudit(folder)).broken).toMatchObject({ file: auditFile(folder, 2), line: 1 })
  })

  test('one file alone, or the state directory, will do', async () => {
    expect(await verifyAudit(auditFile(folder, 2))).toMatchObject({ broken: undefined })
    expect(await verifyAudit(root)).toMatchObject({ entries: 12, broken: undefined })
  })

  test('lines that are taken off the end while the gateway runs leave a gap', async () => {
    const log = auditLog()
    await log.append({ action: 'secret deed' })
    const last = (await auditFiles(folder)).at(-1) as number
    await edit((all) => all.slice(0, -1), last)
    await log.append({ action: 'next' })
    expect(shortened).toEqual([1])
    expect((await verifyAudit(folder)).broken).toMatchObject({ why: 'it is number 14; 13 was due' })
  })

  test('nothing there is an error, not a yes', async () => {
    await rm(folder, { recursive: true })
    await expect(verifyAudit(root)).rejects.toThrow('has no audit log')
    await expect(verifyAudit(folder)).rejects.toThrow('ENOENT')
  })
})

test('what is no folder is told apart from an empty one', async () => {
  expect(await auditFiles(folder)).toEqual([])
  await writeFile(folder, 'in the way')
  await expect(auditFiles(folder)).rejects.toThrow('ENOTDIR')
})
