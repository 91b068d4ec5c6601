import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { seatBelt } from '../../../../src/control/workers/seat-belt.ts'
import type { PluginModule } from '../../../../src/core/plugin.ts'

const ROOT = join(import.meta.dirname, '../../../..')
let folder: string

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-belt-')))
  mkdirSync(join(folder, 'elsewhere/packages'), { recursive: true })
  mkdirSync(join(folder, 'app/plugins'), { recursive: true })
  symlinkSync('../elsewhere/packages', join(folder, 'app/node_modules'))
})

afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => vi.unstubAllEnvs())

/** Paths that may be read. */
function readable(plugins: readonly PluginModule[], reads: readonly string[], state?: string): readonly string[] {
  const flag = '--allow-fs-read='
  return seatBelt(plugins, reads, state).execArgv.flatMap((option) =>
    option.startsWith(flag) ? [option.slice(flag.length)] : [],
  )
}

const plugin = (path: string) => ({ name: path, url: `${pathToFileURL(join(folder, path)).href}?sluice=1`, texts: {} })

test('code and packages may be read, and neither the folder that they stand in nor the working directory', () => {
  const paths = readable([], [])
  expect(paths).toContain(join(ROOT, 'src/*'))
  expect(paths).toContain(join(ROOT, 'node_modules/*'))
  expect(paths).toContain(join(ROOT, 'package.json'))
  for (const open of [ROOT, join(ROOT, '*'), process.cwd(), join(process.cwd(), '*'), '/', '/*'])
    expect(paths).not.toContain(open)
  expect(seatBelt([], [], undefined).execArgv).toContain('--interactive')
})

test('what is to be read while requests run may be, also if it is not there yet', () => {
  expect(readable([], ['/srv/site'])).toEqual(expect.arrayContaining(['/srv/site', '/srv/site/*']))
})

test('a plug-in by path opens the packages for it, where these are linked to, and not its folder', () => {
  const paths = readable([plugin('app/plugins/a.ts')], [])
  expect(paths).toEqual(
    expect.arrayContaining([
      join(folder, 'app/plugins/node_modules/*'),
      join(folder, 'app/node_modules/*'),
      join(folder, 'elsewhere/packages/*'),
    ]),
  )
  for (const path of ['app', 'app/*', 'app/plugins', 'app/plugins/*', 'elsewhere/*'])
    expect(paths).not.toContain(join(folder, path))
})

test('a plug-in that is a package opens its folder', () => {
  const own = join(folder, 'elsewhere/mine')
  expect(readable([{ ...plugin('elsewhere/mine/dist/a.js'), folder: own }], [])).toContain(join(own, '*'))
})

test('a plug-in that is a package in which the state is kept does not open its folder, wherever links lead', () => {
  const own = join(folder, 'elsewhere/mine')
  mkdirSync(own, { recursive: true })
  symlinkSync('mine', join(folder, 'elsewhere/link'))
  const opened = (state: string): boolean =>
    readable([{ ...plugin('elsewhere/mine/a.js'), folder: own }], [], state).some((path) => path.startsWith(`${own}/*`))
  for (const state of [own, join(own, 'state/edge'), join(folder, 'elsewhere/link/state')])
    expect([state, opened(state)]).toEqual([state, false])
  for (const state of [folder, join(folder, 'elsewhere/mine2'), join(folder, 'state/edge')])
    expect([state, opened(state)]).toEqual([state, true])
})

test('packages that are a link to what the link lies in are not opened by it', () => {
  mkdirSync(join(folder, 'knot/a'), { recursive: true })
  for (const [place, target] of [
    ['knot/node_modules', '.'],
    ['knot/a/node_modules', '..'],
  ] as const)
    symlinkSync(target, join(folder, place))
  const paths = readable([plugin('knot/a/b.ts')], [])
  for (const path of ['knot', 'knot/*', 'knot/a', 'knot/a/*', '*']) expect(paths).not.toContain(join(folder, path))
})

test('of the options of the process only those of TLS are those of its threads', () => {
  const taken = (): readonly string[] =>
    seatBelt([], [], undefined).execArgv.filter((option) => /tls|ca$|source-maps/.test(option))
  vi.stubEnv('NODE_OPTIONS', '--enable-source-maps --tls-min-v1.3  --use-system-ca')
  expect(taken()).toEqual(['--tls-min-v1.3', '--use-system-ca'])
  vi.stubEnv('NODE_OPTIONS', undefined)
  vi.stubEnv('NODE_USE_SYSTEM_CA', '1')
  expect(taken()).toEqual(['--use-system-ca'])
  expect(seatBelt([], [], undefined).env).toEqual({})
})
