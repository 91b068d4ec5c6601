import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packed } from '../../kit/packed.ts'

const run = promisify(execFile)
const MODULES = join(import.meta.dirname, '../../../node_modules')
const PACK_MS = 180_000

let folder: string
let app: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-types-'))
  app = join(folder, 'app')
  const own = join(app, 'node_modules/sluice')
  await mkdir(own, { recursive: true })
  await run('tar', ['-xzf', await packed(folder), '-C', own, '--strip-components=1'])
  // What npm would install beside it, without asking a registry.
  for (const name of await readdir(MODULES))
    if (!name.startsWith('.')) await symlink(join(MODULES, name), join(app, 'node_modules', name))
  await writeFile(join(app, 'package.json'), '{ "type": "module" }')
  const compilerOptions = {
    strict: true,
    skipLibCheck: false,
    exactOptionalPropertyTypes: true,
    module: 'nodenext',
    target: 'esnext',
    noEmit: true,
    types: ['node'],
  }
  await writeFile(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
}, PACK_MS)

afterAll(() => rm(folder, { recursive: true, force: true }))

/** What the compiler says of the program; empty: nothing. */
async function compiled(text: string): Promise<string> {
  await writeFile(join(app, 'program.ts'), text)
  return run(join(MODULES, '.bin/tsc'), [], { cwd: app }).then(
    ({ stdout }) => stdout,
    ({ stdout }) => stdout,
  )
}

const GATEWAY = `
import { createServer } from 'node:http'
import { createGateway, GatewayError, type GatewayStatus, VirtualClock } from 'sluice'
import { stamp } from './feature.ts'

const config = {
  apiVersion: 'sluice/v1',
  listeners: { web: { listen: '127.0.0.1:0' } },
  upstreams: {},
  routes: { all: { match: { path: '/*' }, respond: { status: 200, body: 'here' }, stamp: { keep: '2s' } } },
}
const gateway = await createGateway({ config, features: [stamp], clock: new VirtualClock() })
const off = gateway.on('state', ({ labels, state }) => console.log(labels.route, state))
const [web] = await gateway.listen()
const server = createServer(gateway.handler)
const answer = await fetch(\`http://127.0.0.1:\${web?.port}/\`)
console.log(await answer.text(), answer.headers.get('x-keep'))
const status: GatewayStatus = gateway.status()
console.log(status.drain)
await gateway.apply({ ...config, routes: 7 }).catch((error: unknown) => {
  if (error instanceof GatewayError) console.log(error.code, error.problems[0]?.field)
})
off()
server.close()
await gateway.close()
`

const FEATURE = `
import { defineFeature, duration, object, withDefault } from 'sluice'

export const stamp = defineFeature({
  name: 'stamp',
  doc: 'Says how long answers may be kept.',
  keys: { route: object({ keep: withDefault(duration(), '1s', 'How long.') }) },
  places: { stamp: { stage: 5, why: 'Around what answers.' } },
  compile: ({ keep }, { feature }) => ({
    stamp: { name: feature, respond: (ex) => void ex.response?.headers.push('x-keep', String(keep)) },
  }),
})
`

describe('the installed package', () => {
  test('type-checks a strict program, its own declarations too', async () => {
    expect(await compiled(FEATURE)).toBe('')
  })

  test('has types that tell wrong from right', async () => {
    expect(await compiled(FEATURE.replace('String(keep)', 'keep'))).toContain('TS2345')
  })

  test('type-checks a program with a gateway, and runs it', async () => {
    await writeFile(join(app, 'feature.ts'), FEATURE)
    expect(await compiled(GATEWAY.replaceAll('./feature.ts', './feature.js'))).toBe('')
    await writeFile(join(app, 'run.ts'), GATEWAY)
    const { stdout } = await run(join(MODULES, '.bin/node'), ['run.ts'], { cwd: app })
    expect(stdout).toBe('here 2000\nserving\nconfig routes\n')
    await rm(join(app, 'run.ts'))
  })

  test('knows that a gateway with threads has no handler, and takes no objects', async () => {
    const threads = GATEWAY.replaceAll('./feature.ts', './feature.js').replace(
      'clock: new VirtualClock()',
      'workers: 1',
    )
    expect(await compiled(threads)).toMatch(/TS(2769|2339|2322)/)
  })

  test('lets nothing else be imported', async () => {
    for (const inside of ['sluice/dist/index.js', 'sluice/dist/core/feature.js', 'sluice/src/index.ts']) {
      await writeFile(join(app, 'inside.ts'), `await import('${inside}')\n`)
      const error = await run(join(MODULES, '.bin/node'), ['inside.ts'], { cwd: app }).catch((reason) => reason)
      expect(String(error.stderr)).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED')
    }
    expect(await compiled("import { Engine } from 'sluice/dist/data/engine/engine.js'\nexport { Engine }\n")).toContain(
      'TS2307',
    )
  })

  test('has declarations of the public API alone', async () => {
    const files = await readdir(join(app, 'node_modules/sluice/dist'), { recursive: true, encoding: 'utf8' })
    const declared = files.filter((file) => file.endsWith('.d.ts'))
    expect(declared).toContain('index.d.ts')
    expect(declared.filter((file) => /^(cli|control|data|features|tools)\//.test(file))).toEqual([])
  })
})
