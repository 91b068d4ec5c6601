import { mkdir, readdir, symlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { put } from '../plugins/files.ts'
import { all, attempted } from './attempted.ts'

const manifest = (name: string, entry: string): string =>
  JSON.stringify({ name, type: 'module', exports: { '.': entry } })
const CODE = 'export default []\n'

/** Packages in which the gateway's folder is one itself: with their entry at the top, below, as a link, and by its own name. */
const FILES = {
  'package.json': manifest('edge', './own.js'),
  'own.js': CODE,
  'keys/tls.key': 'key',
  'node_modules/flat/package.json': manifest('flat', './index.js'),
  'node_modules/flat/index.js': CODE,
  'node_modules/flat/data/a': 'text',
  'node_modules/@deep/er/package.json': manifest('@deep/er', './dist/esm/index.js'),
  'node_modules/@deep/er/dist/esm/package.json': '{ "type": "module" }',
  'node_modules/@deep/er/dist/esm/index.js': CODE,
  'node_modules/@deep/er/data/a': 'text',
  'packages/linked/package.json': manifest('linked', './index.js'),
  'packages/linked/index.js': CODE,
  'packages/linked/data/a': 'text',
  'packages/keeps/package.json': manifest('keeps', './index.js'),
  'packages/keeps/index.js': CODE,
  'packages/keeps/data/a': 'text',
}
const ROUTES = 'routes: { attempts: { match: { path: /attempts }, attempts: ./by-option } }\n'

let sluice: Sluice

beforeAll(async () => {
  sluice = await startSluice(`${ONE_WORKER}${ROUTES}`, {
    place: async (folder, yaml) => {
      await put(folder, FILES)
      for (const name of ['linked', 'keeps']) await symlink(`../packages/${name}`, join(folder, 'node_modules', name))
      await mkdir(join(folder, 'packages/keeps/state'))
      const plugins = [join(import.meta.dirname, 'attempts.ts'), 'flat', '@deep/er', 'linked', 'edge', 'keeps']
      const more = `plugins: ${JSON.stringify(plugins)}\nstateDir: ${folder}/packages/keeps/state\n`
      await put(folder, { 'sluice.yaml': `${yaml}${more}` })
      return join(folder, 'sluice.yaml')
    },
  })
})

afterAll(() => sluice.stop())

test('a plug-in that is a package has its folder read in workers, and what is beside or above it not', async () => {
  const own = ['node_modules/flat/data/a', 'node_modules/@deep/er/data/a', 'packages/linked/data/a', 'packages/linked']
  expect((await attempted(sluice, own)).reads).toEqual(all(own, 'read'))
  const state = dirname(String(sluice.operational.find(({ message }) => message === 'ready')?.tokenFile))
  const kept = (await readdir(state)).map((name) => relative(sluice.folder, join(state, name)))
  expect(kept.length).toBeGreaterThan(0)
  const closed = [
    '',
    'sluice.yaml',
    'package.json',
    'own.js',
    'keys',
    'keys/tls.key',
    'packages',
    // The state lies in this one.
    'packages/keeps',
    'packages/keeps/data/a',
    'packages/keeps/state',
    ...kept,
  ]
  expect((await attempted(sluice, closed)).reads).toEqual(all(closed, 'ERR_ACCESS_DENIED'))
})
