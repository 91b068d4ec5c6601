import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Archive } from '../../../src/control/operations/reload/archive.ts'
import { seededRandom } from '../../../src/lib/random.ts'
import { until } from '../../kit/until.ts'

const WRITER = fileURLToPath(new URL('archive-writer.ts', import.meta.url))
const FEWEST_KILLS = 12
const MOST_KILLS = 100
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-archive-'))
})

afterEach(() => rm(folder, { recursive: true }))

test('kill -9 in the middle of a write leaves whole configs, and the next start finds the latest of them', async () => {
  let newest = 0
  let torn = 0
  for (let kills = 0; kills < FEWEST_KILLS || (torn === 0 && kills < MOST_KILLS); kills++) {
    const child = fork(WRITER, [folder], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    const exited = once(child, 'exit')
    let written = 0
    child.on('message', (number) => {
      written = Number(number)
    })
    await until(() => written > newest + 1, 'two more are written')
    // Another point of a write each time.
    await new Promise((resolve) => setTimeout(resolve, 1 + ((kills * 7) % 23)))
    child.kill('SIGKILL')
    await exited

    const names = await readdir(join(folder, 'configs'))
    torn += names.filter((name) => !/^\d{6}\.json$/.test(name)).length > 0 ? 1 : 0
    const latest = await new Archive(folder).latest()
    expect(latest?.number).toBeGreaterThanOrEqual(written)
    for (const name of names.filter((one) => one.endsWith('.json'))) {
      const kept = JSON.parse(await readFile(join(folder, 'configs', name), 'utf8')) as { documents: { main: string } }
      expect(kept.documents.main).toMatch(/^(x{200000})#\d+$/)
    }
    newest = latest?.number ?? 0
  }
  expect(torn, 'a kill hit a write').toBeGreaterThan(0)
})

test('a config that is torn all the same, as by a broken disk, is passed over', async () => {
  const archive = new Archive(folder)
  const random = seededRandom(7)
  const config = { hash: 'a', savedAt: '2026-01-01T00:00:00.000Z', source: 'files', main: '/a', documents: {} } as const
  await archive.keep(config, random)
  await writeFile(join(folder, 'configs', '000002.json'), '{"number": 2, "ha')
  expect((await archive.latest())?.number).toBe(1)
  await archive.keep({ ...config, hash: 'b' }, random)
  expect(await archive.latest()).toMatchObject({ number: 3, hash: 'b' })
})
