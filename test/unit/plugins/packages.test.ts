import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { PluginLoader } from '../../../src/plugins/load.ts'
import { ManualClock } from '../../kit/clock.ts'

let root: string
const loaders: PluginLoader[] = []

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

function putPackage(folder: string, name: string, entry: string, more: object = {}): void {
  put(
    `${folder}/package.json`,
    JSON.stringify({ name, type: 'module', exports: { '.': entry, './more': entry }, ...more }),
  )
  put(join(folder, entry), 'export default []')
}

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-packages-')))
  putPackage('gw', 'edge', './own.js', { imports: { '#own': './own.js', '#flat': 'flat' } })
  putPackage('gw/node_modules/flat', 'flat', './index.js')
  putPackage('gw/node_modules/deep', 'deep', './dist/esm/index.js')
  put('gw/node_modules/deep/dist/esm/package.json', '{"type":"module"}')
  putPackage('gw/node_modules/@scoped/one', '@scoped/one', './lib/a.js')
  putPackage('gw/packages/plug', 'plug', './index.js')
  symlinkSync('../packages/plug', join(root, 'gw/node_modules/plug'))
  putPackage('above', 'above', './index.js')
  mkdirSync(join(root, 'above/conf/node_modules'), { recursive: true })
  symlinkSync('../..', join(root, 'above/conf/node_modules/above'))
  symlinkSync('above/conf', join(root, 'conf-link'))
})

afterAll(() => rmSync(root, { recursive: true }))
afterEach(() => {
  for (const loader of loaders.splice(0)) loader.close()
})

/** Folder of a plug-in's package; undefined: none is opened. */
async function folderOf(name: string, folder = 'gw'): Promise<string | undefined> {
  const loader = new PluginLoader([], new ManualClock())
  loaders.push(loader)
  const { modules, problems } = await loader.load([name], join(root, folder), readFile)
  expect(problems).toEqual([])
  expect(modules.length).toBe(1)
  const [module] = modules
  return module?.folder === undefined ? undefined : relative(root, module.folder)
}

test.each([
  ['flat', 'gw/node_modules/flat'],
  ['flat/more', 'gw/node_modules/flat'],
  ['#flat', 'gw/node_modules/flat'],
  ['deep', 'gw/node_modules/deep'],
  ['@scoped/one', 'gw/node_modules/@scoped/one'],
  ['@scoped/one/more', 'gw/node_modules/@scoped/one'],
  ['plug', 'gw/packages/plug'],
])('%s: its folder is %s', async (name, folder) => {
  expect(await folderOf(name)).toBe(folder)
})

test.each([
  ['./own.js', 'gw'],
  ['edge', 'gw'],
  ['#own', 'gw'],
  ['edge', 'gw/packages'],
  ['above', 'above/conf'],
  ['above', 'conf-link'],
])('%s for a config in %s: no folder, since the config is in it, or it is no package', async (name, folder) => {
  expect(await folderOf(name, folder)).toBeUndefined()
})
