import { appendFile, mkdir, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FileWatch, signatureOf } from '../../../../src/config/sources/file-watch.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { settle, until } from '../../../kit/until.ts'

const EVERY = 1_000
let folder: string
let file: string
let clock: ManualClock
let every: number | undefined
let changes: number
let watch: FileWatch

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-watch-'))
  file = join(folder, 'sluice.yaml')
  await writeFile(file, 'one')
  clock = new ManualClock()
  every = EVERY
  changes = 0
  const paths = [file, folder]
  watch = FileWatch.start(
    {
      clock,
      every: () => every,
      paths: () => paths,
      onChange: async () => {
        changes++
      },
    },
    await signatureOf(paths),
  )
})

afterEach(async () => {
  watch.close()
  expect(clock.timers).toBe(0)
  await rm(folder, { recursive: true })
})

/** Lets one look happen. */
async function look(): Promise<void> {
  clock.advance(EVERY)
  await until(() => clock.timers === 1, 'the look is over')
  await settle()
}

test('nothing is told while nothing changes', async () => {
  for (let i = 0; i < 3; i++) await look()
  expect(changes).toBe(0)
})

test('a change is told once it has rested for one look', async () => {
  await writeFile(file, 'two, longer')
  await look()
  expect(changes).toBe(0)
  await look()
  expect(changes).toBe(1)
  await look()
  await look()
  expect(changes).toBe(1)
})

test('what is still being written is left alone until it rests', async () => {
  for (let i = 0; i < 5; i++) {
    await appendFile(file, 'more')
    await look()
  }
  expect(changes).toBe(0)
  await look()
  expect(changes).toBe(1)
})

test('what is as it was again is no change', async () => {
  const at = new Date('2026-01-01T00:00:00Z')
  await utimes(file, at, at)
  await look()
  await look()
  expect(changes).toBe(1)
  await rename(file, `${file}.away`)
  await look()
  await rename(`${file}.away`, file)
  await look()
  await look()
  expect(changes).toBe(1)
})

test.each([
  ['a file that goes', async () => rm(file)],
  [
    'another file in its place',
    async () => {
      await writeFile(join(folder, 'next'), 'one')
      await rename(join(folder, 'next'), file)
    },
  ],
  ['a file that comes to a folder', async () => writeFile(join(folder, 'b.yaml'), '')],
  ['a folder that comes', async () => void (await mkdir(join(folder, 'more')))],
])('%s is a change', async (_, change) => {
  await change()
  await look()
  await look()
  expect(changes).toBe(1)
})

test('it sleeps while it is off, and sees what happened meanwhile', async () => {
  every = undefined
  await writeFile(file, 'two, longer')
  for (let i = 0; i < 3; i++) await look()
  expect(changes).toBe(0)
  every = EVERY
  await look()
  await look()
  expect(changes).toBe(1)
})
