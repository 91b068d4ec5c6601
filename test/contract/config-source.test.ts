import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { loadDeps } from '../../src/config/load-deps.ts'
import { FileWatch } from '../../src/config/sources/file-watch.ts'
import { filesSource } from '../../src/config/sources/files.ts'
import { HttpSource } from '../../src/config/sources/http.ts'
import { memorySource } from '../../src/config/sources/memory.ts'
import { inPlace, keptReading, readerOf } from '../../src/config/sources/reading.ts'
import type { ConfigSource } from '../../src/config/sources/source.ts'
import { type FirstReading, readFirst } from '../../src/control/first-config.ts'
import { seededRandom } from '../../src/lib/random.ts'
import { ManualClock } from '../kit/clock.ts'
import { ConfigServer } from '../kit/config-server.ts'
import { memoryLog } from '../kit/log.ts'
import { testAuthority } from '../kit/tls.ts'
import { until } from '../kit/until.ts'

/** A source in the hands of a test. */
interface Rig {
  readonly source: ConfigSource
  /** Puts another text there. */
  write(yaml: string): Promise<void>
  /** Whether problems name lines; else keys. */
  readonly lines: boolean
  close?(): Promise<void>
}

let folder: string
let clock: ManualClock
let rig: Rig

const HEAD = 'apiVersion: sluice/v1\nlisteners: { web: { listen: "127.0.0.1:0" } }\n'
const yaml = (...routes: readonly string[]): string =>
  `${HEAD}upstreams: { app: { endpoints: ["http://127.0.0.1:9101"] } }\nroutes:\n${routes.map((line) => `  ${line}\n`).join('')}`
const GOOD = yaml('all: { match: { path: /* }, to: app }')

const RIGS: Readonly<Record<string, (text: string) => Promise<Rig>>> = {
  async files(text) {
    const file = join(folder, 'sluice.yaml')
    await writeFile(file, text)
    return { source: filesSource(file), write: (next) => writeFile(file, next), lines: true }
  },
  async 'a text in memory'(text) {
    const source = memorySource(text, folder)
    return { source, write: (next) => source.set(next), lines: true }
  },
  async 'an object in memory'(text) {
    const source = memorySource(objectOf(text), folder)
    return { source, write: (next) => source.set(objectOf(next)), lines: false }
  },
  async 'a text behind a URL'(text) {
    const server = await ConfigServer.start(text)
    const source = new HttpSource({
      url: new URL(server.url),
      keys: [],
      every: 30_000,
      credentials: async () => ({ ca: undefined, token: undefined }),
      fence: { files: folder, env: ['WHERE'] },
      clock,
      random: seededRandom(1),
      log: memoryLog(),
    })
    const write = async (next: string): Promise<void> => {
      server.text = next
    }
    return { source, write, lines: true, close: () => server.down() }
  },
}

function objectOf(text: string): Record<string, unknown> {
  return parse(text) as Record<string, unknown>
}

const read = (source = rig.source, env = {}): Promise<FirstReading> => readFirst(source, loadDeps(env))

/** Messages without where they were found. */
const problems = ({ diagnostics }: Pick<FirstReading, 'diagnostics'>): string[] =>
  diagnostics.map(({ message, path }) => `${path}: ${message}`)

beforeEach(async () => {
  clock = new ManualClock()
  folder = await mkdtemp(join(tmpdir(), 'sluice-source-'))
})

afterEach(async () => {
  await rig.close?.()
  await rm(folder, { recursive: true, force: true })
})

describe.each(Object.entries(RIGS))('%s', (_, make) => {
  test('give the config that the text means, each time as it is then', async () => {
    rig = await make(GOOD)
    const { diagnostics, first } = await read()
    expect(diagnostics).toEqual([])
    expect(first?.config.lean.routes.map(({ name }) => name)).toEqual(['all'])
    await rig.write(yaml('one: { match: { path: /1 }, to: app }', 'two: { match: { path: /2 }, to: app }'))
    expect((await read()).first?.config.lean.routes.map(({ name }) => name)).toEqual(['one', 'two'])
  })

  test('mean the same whatever they are: one hash for one config', async () => {
    rig = await make(GOOD)
    const hash = (await read()).first?.config.hash
    expect(hash).toBe((await read(memorySource(GOOD, folder))).first?.config.hash)
  })

  test('have a name, and say where a mistake is: by line, or by the keys that lead there', async () => {
    rig = await make(yaml('all: { match: { path: /* }, to: gone }', 'more: { match: { path: /m }, to: gone }'))
    const { diagnostics, first } = await read()
    expect(first).toBeUndefined()
    expect(diagnostics.map(({ at, path }) => [at.file, at.line, path])).toEqual([
      [rig.source.name, rig.lines ? 5 : 0, 'routes.all.to'],
      [rig.source.name, rig.lines ? 6 : 0, 'routes.more.to'],
    ])
  })

  test('take values of the environment', async () => {
    rig = await make(yaml('all: { match: { path: "${' + 'WHERE}" }, to: app }'))
    expect((await read(rig.source, { WHERE: '/there' })).first?.config.lean.routes[0]?.match[0]?.paths[0]?.source).toBe(
      '/there',
    )
    expect(problems(await read())[0]).toContain('the environment value WHERE is not set')
  })

  test('name files of this machine, which are told of: a change there is one of the config', async () => {
    const cert = testAuthority().ca
    await writeFile(join(folder, 'ca.pem'), cert)
    const https = GOOD.replace('["http://127.0.0.1:9101"]', '["https://127.0.0.1:9101"], tls: { ca: { file: ca.pem } }')
    rig = await make(https)
    const { diagnostics, first, watched } = await read()
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(first?.config.folder).toBe(folder)
    expect(watched.sources.filter((path) => path.endsWith('.pem'))).toEqual([join(folder, 'ca.pem')])
    const isFile = rig.source.kind === 'files'
    expect(watched.sources.includes(rig.source.main)).toBe(isFile)
    await rm(join(folder, 'ca.pem'))
    expect(problems(await read())[0]).toContain('there is no such file')
  })

  test('include files of this machine, but for those that come from elsewhere', async () => {
    await writeFile(join(folder, 'more.yaml'), 'routes: { more: { match: { path: /m }, to: app } }\n')
    rig = await make(`${GOOD}include: ["./*ore.yaml"]\n`)
    const { diagnostics, first } = await read()
    if (rig.source.fence !== undefined) {
      expect(problems({ diagnostics })).toEqual(['include: a config that comes from elsewhere is one text'])
      return
    }
    expect(diagnostics).toEqual([])
    expect(first?.config.lean.routes.map(({ name }) => name)).toEqual(['all', 'more'])
  })

  test('tell of a change while they are watched, once for each, and of nothing else', async () => {
    rig = await make(GOOD)
    const { watched } = await read()
    let changes = 0
    const onChange = async (): Promise<void> => {
      changes++
      await rig.source.load()
    }
    // As a gateway does.
    const paths = { every: () => 1_000, paths: () => watched.sources }
    const files = FileWatch.start({ clock, ...paths, onChange }, watched.signature)
    const unwatch = rig.source.watch(onChange)
    const look = async (): Promise<void> => {
      clock.advance(33_000)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    for (let i = 0; i < 3; i++) await look()
    expect(changes).toBe(0)
    for (const [i, path] of ['/a', '/bb'].entries()) {
      await rig.write(yaml(`all: { match: { path: ${path} }, to: app }`))
      await until(
        async () => {
          await look()
          return changes === i + 1
        },
        `change ${i + 1} is told`,
      )
    }
    for (let i = 0; i < 3; i++) await look()
    expect(changes).toBe(2)
    files.close()
    unwatch()
    await rig.write(yaml('all: { match: { path: /ccc }, to: app }'))
    for (let i = 0; i < 3; i++) await look()
    expect([changes, clock.timers]).toEqual([2, 0])
  })

  test('a text goes in their place, and one that was kept', async () => {
    rig = await make(GOOD)
    const { documents, first } = await read()
    await rig.write(yaml('other: { match: { path: /o }, to: app }'))
    const { config } = first as NonNullable<typeof first>
    const text = yaml('put: { match: { path: /p }, to: app }')
    const names = async (reading: ReturnType<typeof inPlace>): Promise<unknown> => {
      const loaded = await readerOf(reading, loadDeps({})).load()
      return loaded.config?.lean.routes.map(({ name }) => name) ?? loaded.diagnostics
    }
    expect(await names(inPlace(rig.source, config, text))).toEqual(['put'])
    expect(await names(keptReading(rig.source, rig.source.main, documents))).toEqual(['all'])
  })

  test('an empty one is a mistake like others', async () => {
    rig = await make('{}')
    const reading = await read()
    expect([reading.first, reading.given]).toEqual([undefined, true])
    expect(reading.diagnostics[0]?.at.file).toBe(rig.source.name)
  })
})
