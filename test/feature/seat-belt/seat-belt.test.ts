import { mkdir, readdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { descriptors } from '../../kit/descriptors.ts'
import { ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { all, attempted } from './attempted.ts'

const ROOT = join(import.meta.dirname, '../../..')
const DENIED = 'ERR_ACCESS_DENIED'

const PLUGINS = `plugins: [{ module: ${join(import.meta.dirname, 'attempts.ts')}, reads: [./data, ./late, one.txt] }]`
const ROUTES = `
routes:
  attempts: { match: { path: /attempts }, attempts: ./by-option }
  site: { match: { path: /site/* }, respond: { directory: ./current, stripPrefix: /site } }
  page: { match: { path: /page }, respond: { file: page.html } }
`

let sluice: Sluice

beforeAll(async () => {
  sluice = await startSluice(`${ONE_WORKER}watch: 100ms\n${PLUGINS}${ROUTES}`, {
    env: { SECRET_OF_TEST: 'secret', NODE_OPTIONS: '--enable-source-maps' },
    place: async (folder, yaml) => {
      for (const name of ['data', 'data-other', 'by-option', 'keys', 'releases/1/sub', 'more'])
        await mkdir(join(folder, name), { recursive: true })
      await symlink('releases/1', join(folder, 'current'))
      for (const name of [
        'data/a',
        'data-other/a',
        'keys/tls.key',
        'one.txt',
        'one.txt2',
        'page.html',
        'more/a',
        'by-option/a',
      ])
        await writeFile(join(folder, name), 'text')
      await writeFile(join(folder, 'releases/1/sub/x'), 'served')
      await writeFile(join(folder, 'sluice.yaml'), yaml)
      return join(folder, 'sluice.yaml')
    },
  })
})

afterAll(() => sluice.stop())

describe('a worker', () => {
  test('reads no config, state, key, nor anything else of this machine', async () => {
    const state = await readdir(join(sluice.folder, 'state/sluice/test'))
    expect(state.length).toBeGreaterThan(0)
    const open = Array.from({ length: await descriptors(sluice.pid) }, (_, fd) => `/proc/self/fd/${fd}`)
    const paths = [
      'sluice.yaml',
      '.',
      'keys',
      'keys/tls.key',
      'state/sluice/test',
      ...state.map((name) => `state/sluice/test/${name}`),
      'data-other',
      'data-other/a',
      'one.txt2',
      'releases/1/sub/x',
      '/',
      '/etc/passwd',
      '/proc/self/environ',
      '/proc/self/cmdline',
      '/proc/self/fd',
      ...open,
      process.cwd(),
      ROOT,
      join(ROOT, 'config/sluice.yaml'),
      join(ROOT, 'test'),
      join(ROOT, 'tsconfig.json'),
    ]
    expect((await attempted(sluice, paths)).reads).toEqual(all(paths, DENIED))
  })

  test('reads its code, packages, what is served, and what the entry of a plug-in lists', async () => {
    const paths = [
      'data',
      'data/a',
      'one.txt',
      'by-option/a',
      'page.html',
      'current',
      'current/sub/x',
      join(ROOT, 'src/data/worker.ts'),
      join(ROOT, 'node_modules/fastify/package.json'),
      join(ROOT, 'package.json'),
    ]
    expect((await attempted(sluice, paths)).reads).toEqual(all(paths, 'read'))
    expect(await sluice.get('/page')).toMatchObject({ status: 200, body: 'text' })
    expect(await sluice.get('/site/sub/x')).toMatchObject({ status: 200, body: 'served' })
  })

  test('serves the next release where the folder is a link to it', async () => {
    await mkdir(join(sluice.folder, 'releases/2/sub'), { recursive: true })
    await writeFile(join(sluice.folder, 'releases/2/sub/x'), 'the next')
    await symlink('releases/2', join(sluice.folder, 'next'))
    await rename(join(sluice.folder, 'next'), join(sluice.folder, 'current'))
    expect(await sluice.get('/site/sub/x')).toMatchObject({ status: 200, body: 'the next' })
  })

  test('reads a folder that is there later only', async () => {
    expect((await attempted(sluice, ['late/a'])).reads).toEqual({ 'late/a': 'ENOENT' })
    await mkdir(join(sluice.folder, 'late'))
    await writeFile(join(sluice.folder, 'late/a'), 'text')
    expect((await attempted(sluice, ['late', 'late/a'])).reads).toEqual({ late: 'read', 'late/a': 'read' })
  })

  test('writes nothing, starts nothing, inspects nothing, and has no SQLite; it may open connections', async () => {
    expect((await attempted(sluice, [])).acts).toEqual({
      ...all(['write', 'link', 'spawn', 'worker', 'worker with options of its own', 'wasi', 'ffi', 'binding'], DENIED),
      ...all(['inspector', 'heap snapshot', 'report'], DENIED),
      ...all(['sqlite', 'sqlite as a builtin'], 'ERR_UNKNOWN_BUILTIN_MODULE'),
      addon: 'ERR_DLOPEN_DISABLED',
      connection: 'done',
    })
  })

  test('has no environment, and warns of nothing', async () => {
    expect((await attempted(sluice, [])).env).toEqual([])
    expect(sluice.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'))).toEqual([])
  })
})

test('a config with other files to be read has other workers, without a lost request', async () => {
  const answers: (number | string)[] = []
  let asking = true
  const asked = (async () => {
    while (asking)
      answers.push(
        await sluice.get('/page').then(
          ({ status }) => status,
          (error: Error) => error.message,
        ),
      )
  })()
  const live = async (more: string): Promise<void> => {
    await writeFile(join(sluice.folder, 'sluice.yaml'), `${ONE_WORKER}watch: 100ms\n${PLUGINS}${ROUTES}${more}`)
  }
  const readable = async (what: string): Promise<void> =>
    until(async () => (await attempted(sluice, ['more/a'])).reads['more/a'] === what, what, 60_000)
  expect((await attempted(sluice, ['more/a'])).reads).toEqual({ 'more/a': DENIED })
  await live('  more: { match: { path: /more/* }, respond: { directory: more, stripPrefix: /more } }\n')
  await readable('read')
  // The worker before still takes connections for a moment.
  await until(async () => (await sluice.get('/more/a')).body === 'text', 'the folder is served', 60_000)
  await live('')
  await readable(DENIED)
  asking = false
  await asked
  expect(new Set(answers)).toEqual(new Set([200]))
  expect(sluice.operational.filter(({ message }) => message === 'a worker ended and is replaced')).toEqual([])
})
