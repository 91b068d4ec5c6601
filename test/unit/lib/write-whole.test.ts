import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeWhole } from '../../../src/lib/write-whole.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-whole-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

test.each([0o600, 0o640, 0o666])(
  'a new file and one that was there have the mode %o, whatever the umask is',
  async (mode) => {
    const file = join(folder, 'kept')
    await writeWhole(file, 'one', mode, 1)
    expect((await stat(file)).mode & 0o777).toBe(mode)
    await chmod(file, 0o400)
    await writeWhole(file, 'two', mode, 2)
    expect([await readFile(file, 'utf8'), (await stat(file)).mode & 0o777]).toEqual(['two', mode])
    expect(await readdir(folder)).toEqual(['kept'])
  },
)

test('what cannot take its place leaves nothing behind', async () => {
  const file = join(folder, 'kept')
  await mkdir(join(file, 'full'), { recursive: true })
  await expect(writeWhole(file, 'one', 0o600, 1)).rejects.toThrow()
  expect(await readdir(folder)).toEqual(['kept'])
})

test('a file of somebody else that is in the way stays', async () => {
  const file = join(folder, 'kept')
  await writeFile(`${file}.1.tmp`, 'theirs')
  await expect(writeWhole(file, 'one', 0o600, 1)).rejects.toThrow('EEXIST')
  expect(await readFile(`${file}.1.tmp`, 'utf8')).toBe('theirs')
})
