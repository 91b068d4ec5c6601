import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { loadDeps } from '../../../src/config/load-deps.ts'
import { filesSource } from '../../../src/config/sources/files.ts'
import { type ConfigReading, inPlace, keptReading, readingOf } from '../../../src/config/sources/reading.ts'
import { judgeEntry } from '../../../src/control/entry.ts'
import { Judge, type LiveConfig } from '../../../src/control/operations/reload/judge.ts'
import { packConfig, seal, unpackConfig } from '../../../src/control/operations/reload/judged.ts'
import { BadCommand, CommandRefused, NotFound } from '../../../src/core/command.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { ManualClock } from '../../kit/clock.ts'

const routes = (count: number, more = ''): string =>
  `apiVersion: sluice/v1
listeners: { web: { listen: "127.0.0.1:8080" } }
upstreams:
${Array.from({ length: Math.ceil(count / 4) }, (_, i) => `  u${i}: { endpoints: ["http://127.0.0.1:9101"] }`).join('\n')}
routes:
${Array.from({ length: count }, (_, i) => `  r${i}: { match: { path: "/r${i}/{id}" }, to: u${i >> 2} }`).join('\n')}
${more}`

let folder: string
let file: string
let judge: Judge
let live: LiveConfig

async function sealed(id: number, text: string): Promise<LiveConfig> {
  const { config, tree } = await loadConfig(file, { ...loadDeps({}), readFile: async () => Buffer.from(text) })
  if (config === undefined || tree === undefined) throw new Error('a bad config')
  return { id, sealed: seal({ config, tree }) }
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-test-'))
  file = join(folder, 'sluice.yaml')
  await writeFile(file, routes(3))
  judge = new Judge({ entry: judgeEntry(), env: { WHERE: '/there' }, plugins: [], clock: systemClock })
  live = await sealed(0, routes(3))
})

afterEach(async () => {
  await judge.close()
  await rm(folder, { recursive: true, force: true })
})

const files = (): ConfigReading => readingOf(filesSource(file), { documents: {} })
const put = (yaml: string) => judge.judge(inPlace(filesSource(file), { file, folder, plugins: [] }, yaml), live)

describe('a judge', () => {
  test('finds of files what loading them here does, and the config is frozen', async () => {
    await writeFile(file, routes(450, '  bad-idea: { match: { path: /x }, to: u1, timeouts: { attempt: 20s } }'))
    const here = await loadConfig(file, loadDeps({}))
    const { config, documents, kept, problems, sources } = await judge.judge(files(), live)
    expect(config).toEqual(here.config)
    expect(problems).toHaveLength(here.diagnostics.length)
    expect([kept, sources, Object.keys(documents)]).toEqual([[], [file], [file]])
    const isFrozen = (value: unknown): boolean =>
      typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isFrozen))
    expect(isFrozen(config)).toBe(true)
  })

  test('takes a text in the place of the file, with values of the environment', async () => {
    const reference = '${' + 'WHERE}'
    const { config, problems } = await put(routes(1, `  there: { match: { path: "${reference}" }, to: u0 }`))
    expect(problems).toEqual([])
    expect(config?.lean.routes[1]?.match[0]?.paths[0]?.source).toBe('/there')
  })

  test('takes one that was kept', async () => {
    const { config } = await judge.judge(keptReading(filesSource(file), file, { [file]: routes(2) }), live)
    expect(config?.lean.routes).toHaveLength(2)
  })

  test('refuses a bad one with a line for each error, but for those that nobody would read', async () => {
    const { config, problems, written } = await put(routes(1_200).replaceAll('to: u', 'to: x'))
    expect([config, written, problems.length]).toEqual([undefined, undefined, 1_001])
    expect(problems[0]).toContain('sluice.yaml:305:42: routes.r0.to: there is no upstream')
    expect(problems.at(-1)).toBe('and 200 more')
  })

  test('keeps what is good of the live one where the file asks for it', async () => {
    const { config, kept } = await put(routes(3, 'onInvalid: keepGood').replace('to: u0', 'to: gone'))
    expect(kept).toEqual([{ kind: 'routes', name: 'r0', became: 'as it was' }])
    expect(config?.lean.routes).toHaveLength(3)
  })

  test('answers questions about the live one, and about the next', async () => {
    const question = { method: 'GET', url: 'http://x.test/r3/7' }
    expect(await judge.explain(live, question)).not.toHaveProperty('route.name')
    expect(await judge.explain(await sealed(1, routes(5)), question)).toMatchObject({ route: { name: 'r3' } })
    expect(await judge.effective(live, { route: 'r1' })).toMatchObject({ route: 'r1' })
    await expect(judge.effective(live, { route: 'r3' })).rejects.toThrow(NotFound)
    await expect(judge.effective(live, {})).rejects.toThrow(BadCommand)
    await expect(judge.explain(live, { method: 'GET' })).rejects.toThrow(BadCommand)
  })

  test('lets the loop turn while it judges', async () => {
    let turns = 0
    let judging = true
    const count = (): void => {
      turns++
      if (judging) setImmediate(count)
    }
    count()
    expect((await put(routes(1_500))).config?.lean.routes).toHaveLength(1_500)
    judging = false
    // Judging it here would be one.
    expect(turns).toBeGreaterThan(100)
  })

  test('is there again after it was idle', async () => {
    const clock = new ManualClock()
    const idle = new Judge({ entry: judgeEntry(), env: {}, plugins: [], clock })
    expect(await idle.effective(live, { route: 'r1' })).toMatchObject({ route: 'r1' })
    clock.advance(60_000)
    expect(await idle.effective(live, { route: 'r1' })).toMatchObject({ route: 'r1' })
    await idle.close()
  })

  test('that is closed refuses', async () => {
    await judge.close()
    expect((await put(routes(1))).problems).toEqual(['the config could not be judged: the gateway ends'])
    await expect(judge.explain(live, {})).rejects.toThrow(CommandRefused)
  })
})

describe('a judge that comes to no end', () => {
  const entry = (name: string): URL => new URL(`../../kit/workers/${name}.ts`, import.meta.url)

  test('is ended after two minutes', async () => {
    const clock = new ManualClock()
    const silent = new Judge({ entry: entry('never'), env: {}, plugins: [], clock })
    const verdict = silent.judge(files(), live)
    clock.advance(120_000)
    expect((await verdict).problems).toEqual(['the config could not be judged: no answer within 120 s'])
    await silent.close()
  })

  test('that breaks is told of, and others are asked', async () => {
    const broken = new Judge({ entry: entry('throwing'), env: {}, plugins: [], clock: systemClock })
    for (let i = 0; i < 2; i++) {
      const { config, problems } = await broken.judge(files(), live)
      expect([config, problems.length]).toEqual([undefined, 1])
      expect(problems[0]).toContain('the config could not be judged: ')
    }
    await broken.close()
  })
})

test('a config comes back from its parts, a hundred entries between two turns of the loop', async () => {
  const { config } = await loadConfig(file, { ...loadDeps({}), readFile: async () => Buffer.from(routes(250)) })
  if (config === undefined) throw new Error('a bad config')
  let turns = 0
  const turn = async (): Promise<void> => void turns++
  expect(await unpackConfig(packConfig(config), turn)).toEqual(config)
  expect(turns).toBe(4)
})
