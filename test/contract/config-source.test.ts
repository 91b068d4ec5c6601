import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { loadDeps } from '../../src/config/load-deps.ts'
import { filesSource } from '../../src/config/sources/files.ts'
import { memorySource } from '../../src/config/sources/memory.ts'
import { inPlace, keptReading, readerOf } from '../../src/config/sources/reading.ts'
import type { ConfigSource } from '../../src/config/sources/source.ts'
import { type FirstReading, readFirst } from '../../src/control/first-config.ts'
import { testAuthority } from '../kit/tls.ts'

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
}

function objectOf(text: string): Record<string, unknown> {
  return parse(text) as Record<string, unknown>
}

const read = (source = rig.source, env = {}): Promise<FirstReading> => readFirst(source, loadDeps(env))

/** Messages without where they were found. */
const problems = ({ diagnostics }: Pick<FirstReading, 'diagnostics'>): string[] =>
  diagnostics.map(({ message, path }) => `${path}: ${message}`)

beforeEach(async () => {
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

  test('include files of this machine', async () => {
    await writeFile(join(folder, 'more.yaml'), 'routes: { more: { match: { path: /m }, to: app } }\n')
    rig = await make(`${GOOD}include: ["./*ore.yaml"]\n`)
    const { diagnostics, first } = await read()
    expect(diagnostics).toEqual([])
    expect(first?.config.lean.routes.map(({ name }) => name)).toEqual(['all', 'more'])
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
