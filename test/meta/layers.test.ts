import { expect, test } from 'vitest'
import { read, SOURCES } from './files.ts'
import { badImports, folderOf, loadedWith } from './layers.ts'

test('every import goes to the own folder or to a smaller row, every package to its home', () => {
  expect(SOURCES.length).toBeGreaterThan(100)
  expect(SOURCES.flatMap((file) => badImports(file, read(file)))).toEqual([])
})

test.each([
  ['src/lib/a.ts', "import type { X } from '../core/exchange.ts'"],
  ['src/core/a.ts', "export { x } from '../data/engine/run.ts'"],
  ['src/features/a/policy.ts', "import { x } from '../b/policy.ts'"],
  ['src/features/a/policy.ts', "import { x } from '../index.ts'"],
  ['src/features/a/policy.ts', "import { x } from './control.ts'"],
  ['src/features/a/policy.ts', "const { x } = await import('./control.ts')"],
  ['src/features/a/control.ts', "import { x } from '../b/control.ts'"],
  ['src/data/upstreams/a.ts', "import { x } from '../routing/table.ts'"],
  ['src/data/upstreams/a.ts', "import {\n  a,\n} from '../engine/run.ts'"],
  ['src/tools/drill/a.ts', "const { demo } = await import('../demo/demo.ts')"],
  ['src/config/load.ts', "import { Client } from 'undici'"],
  ['src/data/engine/a.ts', "import type { Server } from 'node:http'"],
  ['src/data/engine/a.ts', "import { http } from '../../lib/node-http.ts'"],
  ['src/data/ingress/a.ts', "import { STATUS_CODES } from 'node:http'"],
  ['src/data/ingress/a.ts', "import {\n  type Server,\n  createServer,\n} from 'node:http'"],
  ['src/lib/a.ts', "import { Redis } from 'ioredis'"],
  ['src/control/admin/a.ts', "import { x } from '../supervisor.ts'"],
  ['src/control/operations/a.ts', "import type { X } from '../admin/contract.ts'"],
  ['src/control/workers/a.ts', "import type { X } from '../seeing/live/feed.ts'"],
  ['src/control/endpoints/a.ts', "import { x } from '../workers/crew.ts'"],
])('%s may not: %s', (file, line) => {
  expect(badImports(file, line)).toHaveLength(1)
})

test('each folder of the control plane has a row of its own', () => {
  const below = SOURCES.filter((file) => /^src\/control\/\w+\//.test(file))
  expect(below.length).toBeGreaterThan(50)
  expect(below.filter((file) => folderOf(file) === 'src/control')).toEqual([])
})

test('what is right is left alone', () => {
  expect(
    badImports('src/data/engine/a.ts', "import { a } from './run.ts'\nimport { b } from '../../lib/clock.ts'"),
  ).toEqual([])
})

test('a worker loads nothing of the control plane: no half of a feature either', () => {
  // A plug-in loads the second one.
  const loaded = ['src/data/worker.ts', 'src/feature-api.ts'].flatMap((entry) => [...loadedWith(entry, read)])
  expect(loaded).toContain('src/features/circuit-breaker/policy.ts')
  expect(loaded).toContain('src/schema/composites.ts')
  const forbidden = /^src\/(control|config|embed|tools|cli|stores\/(memory|sqlite))\/|\/(control|lints)(\.ts$|\/)/
  expect(loaded.filter((file) => forbidden.test(file))).toEqual([])
})

test('a worker loads no package, unless a route needs it', () => {
  const from = /^(?:import|export)\b(?! type\b)[^;]*?\bfrom '([^.n][^']*|n(?!ode:)[^']*)'/gm
  const loaded = [...loadedWith('src/data/worker.ts', read)]
  expect(loaded).toContain('src/plugins/load.ts')
  expect(loaded.flatMap((file) => Array.from(read(file).matchAll(from), ([, name]) => `${file}: ${name}`))).toEqual([])
  expect([..."import { a } from 'fastify'\nimport type { b } from 'undici'".matchAll(from)]).toHaveLength(1)
})

test('which files are loaded with one', () => {
  const files: Record<string, string> = {
    'a/a.ts':
      "import type { X } from './x.ts'\nimport {\n  type Y,\n  b,\n} from '../b/b.ts'\nconst c = () => import('./c.ts')",
    'b/b.ts': "export { d } from './d.ts'",
    'b/d.ts': "import { a } from '../a/a.ts'",
  }
  expect([...loadedWith('a/a.ts', (file) => files[file] as string)]).toEqual(['a/a.ts', 'b/b.ts', 'b/d.ts'])
})
