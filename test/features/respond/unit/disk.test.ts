import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NO_RELIEF, type Relief, type Stalled, type Want } from '../../../../src/core/relief.ts'
import { StateSlot } from '../../../../src/core/state-slot.ts'
import { dropReply, type Reply } from '../../../../src/core/verdict.ts'
import { descriptorPath } from '../../../../src/features/respond/control/descriptor-path.ts'
import { Disk, OpenFile } from '../../../../src/features/respond/disk.ts'
import { respond } from '../../../../src/features/respond/feature.ts'
import { FileSource } from '../../../../src/features/respond/file-source.ts'
import { PATH_OF, type PathOf } from '../../../../src/features/respond/places.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { descriptors } from '../../../kit/descriptors.ts'
import { CompiledUse } from '../../../kit/feature.ts'
import { TestLink } from '../../../kit/link.ts'
import { routed } from '../../../kit/policy.ts'
import { until } from '../../../kit/until.ts'

let folder: string
let site: string

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-disk-')))
  site = join(folder, 'site')
  mkdirSync(join(site, 'a'), { recursive: true })
  mkdirSync(join(folder, 'secret'))
  writeFileSync(join(site, 'a/x'), 'public')
  writeFileSync(join(folder, 'secret/x'), 'secret')
})

afterAll(() => rmSync(folder, { recursive: true }))

const SLOT = new StateSlot<OpenFile>(0)
const disk = (relief: Relief = NO_RELIEF, pathOf: PathOf = descriptorPath): Disk => new Disk(relief, SLOT, pathOf)

function textOf(file: OpenFile): Promise<string> {
  const source = new FileSource(file)
  return new Promise((resolve, reject) => {
    let text = ''
    source.start({
      data: (chunk) => {
        text += String(chunk)
      },
      end: () => resolve(text),
      fail: reject,
    })
  })
}

describe('the files that a worker has open', () => {
  test('are bounded; a stalled exchange that has one is ended for another', async () => {
    const holders: OpenFile[] = []
    let want: Want | undefined
    const relief: Relief = {
      end(asked) {
        want = asked
        const file = holders.find((one) => asked.frees({ ex: { state: [one] } } as unknown as Stalled))
        file?.close()
        return file !== undefined
      },
    }
    const files = disk(relief)
    const before = await descriptors(process.pid)
    for (let i = 0; i < 512; i++) holders.push((await files.open({ state: [] }, join(site, 'a/x'))) as OpenFile)
    expect(want).toBeUndefined()
    const one = await files.open({ state: [] }, join(site, 'a/x'))
    expect(one).toBeInstanceOf(OpenFile)
    expect(holders.filter(({ closed }) => closed)).toHaveLength(1)
    expect(want?.frees({ ex: { state: [] } } as unknown as Stalled)).toBe(false)
    holders.push(one as OpenFile)
    for (const file of holders) file.close()
    for (const file of holders) file.close()
    await until(async () => (await descriptors(process.pid)) <= before, 'all are closed')
  })

  test('are refused without an exchange that stalls', async () => {
    const files = disk()
    const open = await Promise.all(Array.from({ length: 520 }, () => files.open({ state: [] }, join(site, 'a/x'))))
    const refused = open.filter((one) => !(one instanceof OpenFile))
    expect(refused).toEqual(Array(8).fill(expect.objectContaining({ reason: 'overloaded' })))
    for (const one of open) if (one instanceof OpenFile) one.close()
    const again = await files.open({ state: [] }, join(site, 'a/x'))
    expect(again).toBeInstanceOf(OpenFile)
    ;(again as OpenFile).close()
  })
})

test('a folder on the way that becomes a link while it is opened leads nowhere', async () => {
  const files = disk()
  const seen = new Map<string, number>()
  let swapping = true
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  const swap = (async () => {
    for (let swaps = 0; swapping; swaps++) {
      renameSync(join(site, 'a'), join(folder, 'aside'))
      symlinkSync('../secret', join(site, 'a'))
      await turn()
      rmSync(join(site, 'a'))
      renameSync(join(folder, 'aside'), join(site, 'a'))
      // In step with what opens, it would always be the same step that meets the link.
      for (let turns = swaps % 12; turns >= 0; turns--) await turn()
    }
  })()
  for (let i = 0; i < 3_000; i++) {
    const found = await files.open({ state: [] }, join(site, 'a/x'), site)
    const what = found instanceof OpenFile ? await textOf(found) : found === 'folder' ? found : found.reason
    seen.set(what, (seen.get(what) ?? 0) + 1)
  }
  swapping = false
  await swap
  expect([...seen.keys()].filter((what) => what !== 'public' && what !== 'not_found')).toEqual([])
  expect(seen.get('public')).toBeGreaterThan(0)
  expect(seen.get('not_found')).toBeGreaterThan(0)
})

describe('a root that is a link', () => {
  let root: string

  beforeAll(() => {
    root = join(folder, 'current')
    symlinkSync('site', root)
  })

  test('leads to what is below it, and to the folder itself', async () => {
    const files = disk()
    const found = await files.open({ state: [] }, join(root, 'a/x'), root)
    expect(found instanceof OpenFile && (await textOf(found))).toBe('public')
    for (const path of [root, `${root}/`, join(root, 'a')])
      expect(await files.open({ state: [] }, path, root)).toBe('folder')
  })

  test('is swapped after it was looked at: what it leads to by then is looked at, too', async () => {
    const asked: (string | undefined)[] = []
    const files = disk(NO_RELIEF, async (fd) => {
      asked.push(await descriptorPath(fd))
      return asked.length === 1 ? join(folder, 'secret') : asked.at(-1)
    })
    expect(await files.open({ state: [] }, root, root)).toBe('folder')
    expect(asked).toEqual([site, site])
    const elsewhere = disk(NO_RELIEF, async () => join(folder, 'secret'))
    expect(await elsewhere.open({ state: [] }, root, root)).toMatchObject({ reason: 'not_found' })
  })
})

describe('a control plane that does not answer', () => {
  test('holds up what it is asked about, and neither reads nor files of which it has told', async () => {
    const gate = Promise.withResolvers<void>()
    let silent = false
    let asked = 0
    const files = disk(NO_RELIEF, async (fd) => {
      asked++
      if (silent) await gate.promise
      return descriptorPath(fd)
    })
    const before = await descriptors(process.pid)
    writeFileSync(join(site, 'new'), 'new')
    const open = (name: string) => files.open({ state: [] }, join(site, name), site)
    const held = (await open('a/x')) as OpenFile
    silent = true
    let settled = 0
    const waiting = Array.from({ length: 300 }, () => open('new').finally(() => settled++))
    // Those that find the line too long are refused at once.
    await until(() => settled === 44, '256 wait')
    expect(await textOf(held)).toBe('public')
    const placed = await open('a/x')
    expect(placed instanceof OpenFile && (await textOf(placed))).toBe('public')
    expect([settled, asked]).toEqual([44, 2])
    gate.resolve()
    const found = await Promise.all(waiting)
    const refused = found.filter((one) => !(one instanceof OpenFile))
    expect(refused).toEqual(Array(44).fill(expect.objectContaining({ reason: 'overloaded' })))
    for (const one of found) if (one instanceof OpenFile) one.close()
    await until(async () => (await descriptors(process.pid)) <= before, 'all are closed')
  })

  test('is waited for for two seconds: then it is 503, the file is closed, and the next request asks again', async () => {
    const clock = new ManualClock()
    const link = new TestLink(clock)
    let asked = 0
    link.answers = {
      [PATH_OF]: () => {
        asked++
        return new Promise(() => {})
      },
    }
    const read = { options: { directory: site, index: [] } }
    const { policy } = new CompiledUse(respond, undefined, { clock, link, read })
    const before = await descriptors(process.pid)
    let settled = false
    const answer = Promise.resolve(policy.admit?.(routed({ target: '/a/x' }))).finally(() => {
      settled = true
    })
    await until(() => asked === 1)
    clock.advance(1_900)
    await new Promise((resolve) => setImmediate(resolve))
    expect(settled).toBe(false)
    clock.advance(200)
    expect(await answer).toMatchObject({ reason: 'overloaded', detail: expect.stringContaining('in time') })
    await until(async () => (await descriptors(process.pid)) <= before, 'it is closed')
    link.answers = { [PATH_OF]: descriptorPath }
    const next = (await policy.admit?.(routed({ target: '/a/x' }))) as Reply
    expect(next.status).toBe(200)
    dropReply(next)
  })
})

test('a file that is cut before its first byte was read fails at once', async () => {
  writeFileSync(join(site, 'cut'), 'x'.repeat(10))
  const found = (await disk().open({ state: [] }, join(site, 'cut'))) as OpenFile
  truncateSync(join(site, 'cut'), 0)
  await expect(textOf(found)).rejects.toMatchObject({ reason: 'internal', rule: 'file: became shorter' })
  expect(found.closed).toBe(true)
})
