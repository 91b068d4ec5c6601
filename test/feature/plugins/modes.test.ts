import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sluice } from '../cli/cli.ts'
import { folderOf, marking, remove } from './files.ts'

const TOP = 'apiVersion: sluice/v1\nlisteners: { web: { listen: 127.0.0.1:0 } }\n'
const ROUTE = '{ match: { path: /* }, respond: { status: 204 }'

const LINT = `
const rule = {
  name: 'mark-is-loud', finds: 'A mark in capitals.', why: 'It is hard to read.', remedy: 'Write it small.', example: '', better: '',
  run: ({ routes }) => routes.filter(({ options }) => options.features.of({ name: 'mark' }) === 'LOUD').map(({ name }) => ({ path: ['routes', name, 'mark'], message: 'is loud' })),
}
`
const PACKAGE = `export default { name: 'packed', doc: 'Of a package.', keys: {}, places: { a: { stage: 20, why: 'x' } }, compile: () => ({ a: { name: 'packed' } }) }\n`

let folder: string
beforeAll(async () => {
  folder = await folderOf({
    'mark.ts': marking('mark').replace(
      'export default defineFeature({',
      `${LINT}\nexport default defineFeature({\n  lints: async () => ({ lints: [rule] }),`,
    ),
    'stuff.ts': `import { collection } from './things.ts'\nexport default collection\n`,
    'things.ts': marking('stuffed').replace('export default', 'export const collection ='),
    'one.yaml': `${TOP}plugins: [./mark.ts]\nroutes:\n  a: ${ROUTE}, mark: LOUD }\n`,
    'odd.yaml': `${TOP}plugins: [./mark.ts]\nroutes:\n  a: ${ROUTE}, mark: [1] }\n  b: { match: { path: /b }, retires: {} }\n  c: { match: { path: /c }, to: nowhere }\n`,
    'silenced.yaml': `${TOP}plugins: [./mark.ts]\nroutes:\n  # sluice-ignore mark-is-loud: it is meant so\n  a: ${ROUTE}, mark: LOUD }\n`,
    'several.yaml': `${TOP}plugins: [./stuff.ts, packed, ./mark.ts]\nroutes:\n  a: ${ROUTE}, mark: x, stuffed: y }\n`,
    'loud.ts': 'throw new Error("it runs")',
    'lasting.ts': `setInterval(() => {}, 1_000)\n${marking('mark')}`,
    'lasting.yaml': `${TOP}plugins: [./lasting.ts]\nroutes:\n  a: ${ROUTE} }\n`,
    'loud.yaml': `${TOP}plugins: [./loud.ts]\nroutes:\n  a: ${ROUTE} }\n`,
    'typed.yaml': `${TOP}plugins: [typed]\nroutes:\n  a: ${ROUTE} }\n`,
    'same.yaml': `${TOP}plugins: [./mark.ts, ./again.ts]\nroutes:\n  a: ${ROUTE} }\n`,
    'again.ts': marking('mark'),
    'shapes.yaml': `${TOP}plugins: ./mark.ts\nroutes:\n  a: ${ROUTE} }\n`,
    'upstreams.yaml': `${TOP}plugins: [./mark.ts]\nupstreams:\n  u: { endpoints: { odd: x }, loadBalancing: { algorithm: oddest } }\nroutes:\n  a: { match: { path: /* }, to: u }\n`,
    'included/main.yaml': `${TOP}plugins: [../mark.ts]\ninclude: [./more.yaml]\nroutes:\n  a: ${ROUTE} }\n`,
    'included/more.yaml': `plugins: [../again.ts]\nroutes:\n  b: { match: { path: /b }, respond: { status: 204 } }\n`,
    'node_modules/packed/package.json': '{ "name": "packed", "type": "module", "exports": { "import": "./index.js" } }',
    'node_modules/packed/index.js': PACKAGE,
    'node_modules/typed/package.json': '{ "name": "typed", "type": "module", "exports": "./index.ts" }',
    'node_modules/typed/index.ts': PACKAGE,
  })
})
afterAll(() => remove(folder))

interface Found {
  readonly severity: string
  readonly path: string
  readonly message: string
  readonly lint?: string
}

async function check(file: string, ...more: string[]): Promise<{ code: number; found: readonly Found[] }> {
  const { code, stdout, stderr } = await sluice(folder, ['check', file, '--json', ...more])
  expect(stderr).toBe('')
  return { code, found: JSON.parse(stdout) as readonly Found[] }
}

describe('without --plugins', () => {
  test('what only plug-ins could own is neither fine nor an error; --strict wants to know it', async () => {
    const { code, found } = await check('odd.yaml')
    expect(found.map(({ path, severity }) => [severity, path])).toEqual([
      ['warning', 'plugins'],
      ['warning', 'routes.a.mark'],
      ['warning', 'routes.b.retires'],
      ['error', 'routes.c.to'],
    ])
    expect(found[2]?.message).toMatch(/not checked.*--plugins loads them; or did you mean retries\?/)
    expect(code).toBe(2)
    expect((await check('one.yaml')).code).toBe(0)
    expect((await check('one.yaml', '--strict')).code).toBe(2)
    const { stdout } = await sluice(folder, ['check', 'one.yaml'])
    expect(stdout).toBe('one.yaml: ok, except for what was not checked, 1 route, 0 upstreams\n')
  })

  test('sources and algorithms may be those of plug-ins, too', async () => {
    const { code, found } = await check('upstreams.yaml')
    expect(found.filter(({ lint }) => lint === undefined).map(({ path, severity }) => [severity, path])).toEqual([
      ['warning', 'plugins'],
      ['warning', 'upstreams.u.endpoints'],
      ['warning', 'upstreams.u.loadBalancing.algorithm'],
    ])
    expect(code).toBe(0)
  })

  test('no code of a plug-in runs', async () => {
    const { code, found } = await check('loud.yaml')
    expect({ code, paths: found.map(({ path }) => path) }).toEqual({ code: 0, paths: ['plugins'] })
  })

  test('commands that look at a config say what they do not know', async () => {
    const { code, stderr, stdout } = await sluice(folder, ['explain', 'one.yaml', 'GET', 'http://x/'])
    expect(code).toBe(0)
    expect(stderr).toContain('routes.a.mark: not checked')
    expect(stdout).not.toContain('mark')
  })
})

describe('with --plugins', () => {
  test('their keys and lints are those of any feature', async () => {
    const { code, found } = await check('one.yaml', '--plugins')
    expect(code).toBe(0)
    expect(found).toMatchObject([{ path: 'routes.a.mark', message: 'is loud', lint: 'mark-is-loud' }])
    expect(await check('silenced.yaml', '--plugins')).toEqual({ code: 0, found: [] })
    const odd = await check('odd.yaml', '--plugins')
    expect(odd.found.map(({ path, severity }) => [severity, path])).toEqual([
      ['error', 'routes.a.mark'],
      ['error', 'routes.b.retires'],
    ])
    const { stdout } = await sluice(folder, ['check', 'one.yaml', '--plugins', '--sarif'])
    expect(JSON.parse(stdout).runs[0].tool.driver.rules).toContainEqual(expect.objectContaining({ id: 'mark-is-loud' }))
  })

  test('files may import others, and packages are found from the folder of the file', async () => {
    expect(await check('several.yaml', '--plugins')).toEqual({ code: 0, found: [] })
    const { stdout } = await sluice(folder, ['explain', 'several.yaml', 'GET', 'http://x/', '--plugins'])
    expect(stdout).toMatch(/stuffed +y +route/)
    expect(stdout).toMatch(/mark +x +route/)
  })

  test('what a plug-in leaves running does not keep the command alive', async () => {
    expect(await check('lasting.yaml', '--plugins')).toEqual({ code: 0, found: [] })
  })

  test('a package of TypeScript is an error that says why', async () => {
    const { code, found } = await check('typed.yaml', '--plugins')
    expect(code).toBe(2)
    expect(found).toMatchObject([
      { path: 'plugins[0]', message: expect.stringContaining('a package ships JavaScript') },
    ])
  })

  test('two plug-ins with one name are an error at the second', async () => {
    const { code, found } = await check('same.yaml', '--plugins')
    expect(code).toBe(2)
    expect(found).toMatchObject([
      {
        path: 'plugins[1]',
        message: './again.ts: the feature "mark": the name mark is taken by the feature mark of the plug-in ./mark.ts',
      },
    ])
  })

  test('the schema has their keys; a list is needed, in the main file', async () => {
    const { code, stdout } = await sluice(folder, ['schema', 'one.yaml', '--plugins'])
    expect(code).toBe(0)
    expect(stdout).toContain('"mark"')
    expect((await sluice(folder, ['schema', 'one.yaml'])).code).toBe(64)
    expect((await check('shapes.yaml', '--plugins')).found).toMatchObject([{ path: 'plugins', severity: 'error' }])
    expect((await check('included/main.yaml', '--plugins')).found).toMatchObject([
      { path: 'plugins', message: expect.stringContaining('stands in the main file only') },
    ])
  })
})
