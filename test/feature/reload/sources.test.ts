import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { filesSource } from '../../../src/config/sources/files.ts'
import { HttpSource } from '../../../src/config/sources/http.ts'
import { memorySource } from '../../../src/config/sources/memory.ts'
import type { ConfigSource, SourceKind } from '../../../src/config/sources/source.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { systemRandom } from '../../../src/lib/random.ts'
import { ConfigServer } from '../../kit/config-server.ts'
import { type HookedGateway, sourcedGateway } from '../../kit/gateway.ts'
import { memoryLog } from '../../kit/log.ts'
import { says } from '../../kit/reload.ts'
import { ONE_WORKER } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'

const HEAD = `${ONE_WORKER}watch: 100ms\n`
const yaml = (body: string, more = '', head = HEAD): string => `${head}routes:\n${says('all', '/*', body)}${more}`

/** A source in the hands of a test. */
interface Rig {
  readonly source: ConfigSource
  write(text: string): Promise<void>
  close(): Promise<void>
}

const RIGS: Readonly<Record<SourceKind, (text: string) => Promise<Rig>>> = {
  async files(text) {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-test-'))
    const file = join(folder, 'sluice.yaml')
    await writeFile(file, text)
    const write = async (next: string): Promise<void> => {
      await writeFile(`${file}.next`, next)
      await rename(`${file}.next`, file)
    }
    return { source: filesSource(file), write, close: () => rm(folder, { recursive: true }) }
  },
  async http(text) {
    const server = await ConfigServer.start(text)
    const source = new HttpSource({
      url: new URL(server.url),
      keys: [],
      every: 100,
      credentials: async () => ({ ca: undefined, token: undefined }),
      fence: { files: undefined, env: [] },
      clock: systemClock,
      random: systemRandom(),
      log: memoryLog(),
    })
    const write = async (next: string): Promise<void> => {
      server.text = next
    }
    return { source, write, close: () => server.down() }
  },
  async memory(text) {
    const source = memorySource(text, tmpdir())
    // As of a program that does not wait for it.
    return { source, write: async (next) => void source.set(next), close: async () => {} }
  },
}

describe.each(Object.entries(RIGS))('a gateway whose configs come from %s', (kind, make) => {
  let rig: Rig
  let gateway: HookedGateway
  const trigger = kind === 'files' ? 'file' : 'source'

  beforeAll(async () => {
    rig = await make(yaml('one'))
    gateway = await sourcedGateway(rig.source)
  })

  beforeEach(() => live('one'))

  afterAll(async () => {
    await gateway.stop()
    await rig.close()
  })

  /** Puts a config there, and waits until it is answered by. */
  async function live(body: string, more = '', head = HEAD): Promise<void> {
    await rig.write(yaml(body, more, head))
    await until(async () => (await gateway.get('/')) === body, `${body} is live`)
    await until(async () => (await last()).ok, 'all of it is')
  }

  const facts = async (): Promise<Record<string, unknown>> => await gateway.view('config')
  const last = async (): Promise<{ ok: boolean; trigger: string; problems: string[] }> =>
    (await facts()).last as Awaited<ReturnType<typeof last>>
  const notes = async (): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${gateway.facts.probes?.port}/readyz`)
    return ((await answer.json()) as { notes: unknown }).notes
  }

  test('takes a good one: log, history and status name the source', async () => {
    await live('two', says('more', '/more', 'three'))
    expect(await gateway.get('/more')).toBe('three')
    const change = gateway.log.lines.findLast(({ message }) => message === 'another config is live')
    expect(change?.fields).toMatchObject({ source: kind, trigger, routes: 2 })
    type History = { live?: string; configs?: { hash: string; source: string }[] }
    await until(async () => {
      const { configs, live } = (await gateway.view('history')) as History
      return configs?.[0]?.hash === live && configs?.[0]?.source === kind
    }, 'the history has it')
    expect(await facts()).toMatchObject({ source: kind, from: { kind, name: rig.source.name }, last: { trigger } })
  })

  test('refuses a bad one with its line, and what was live stays', async () => {
    await rig.write(yaml('two', '  bad: { match: { path: bad }, respond: {} }\n'))
    await until(async () => !(await last()).ok, 'it is refused')
    expect((await last()).problems[0]).toContain(`${rig.source.name}:12:25: routes.bad.match.path: `)
    expect([await gateway.get('/'), await notes()]).toEqual(['one', ['config_stale']])
    await live('three')
    expect(await notes()).toEqual([])
  })

  test('takes what is good of one that is partly bad, where that asks for it', async () => {
    const head = `${HEAD}onInvalid: keepGood\n`
    await live('two', says('kept', '/kept', 'as it was'), head)
    await rig.write(yaml('three', says('kept', 'kept', 'bad') + says('new', '/new', 'new'), head))
    await until(async () => (await gateway.get('/new')) === 'new', 'the good part is live')
    expect([await gateway.get('/'), await gateway.get('/kept')]).toEqual(['three', 'as it was'])
    await until(async () => !(await last()).ok, 'it is told')
    expect(await facts()).toMatchObject({ kept: [{ kind: 'routes', name: 'kept', became: 'as it was' }] })
  })

  test('loses no request while configs change', async () => {
    let [asked, going] = [0, true]
    const bodies = new Set<string>()
    const client = async (): Promise<void> => {
      while (going) {
        const answer = await fetch(`http://127.0.0.1:${gateway.port}/`)
        if (answer.status !== 200) throw new Error(`${answer.status}`)
        bodies.add(await answer.text())
        asked++
      }
    }
    const clients = [client(), client(), client()]
    for (let i = 0; i < 4; i++) await live(`round ${i}`)
    going = false
    await Promise.all(clients)
    expect(asked).toBeGreaterThan(20)
    expect([...bodies].toSorted()).toEqual(['one', 'round 0', 'round 1', 'round 2', 'round 3'])
  })

  test('takes one that is put in its place, and one of the history, until it tells of another', async () => {
    expect(await gateway.command('config', { yaml: yaml('put') })).toMatchObject({ status: 200, changed: true })
    expect(await gateway.get('/')).toBe('put')
    expect(await facts()).toMatchObject({ source: 'api' })
    const { configs } = (await gateway.view('history')) as { configs?: { number: number; source: string }[] }
    const number = configs?.find(({ source }) => source === kind)?.number
    expect(await gateway.command('rollback', { number })).toMatchObject({ status: 200, changed: true })
    expect(await facts()).toMatchObject({ source: 'rollback' })
    expect(await gateway.command('reload', {})).toMatchObject({ status: 200 })
    expect(await facts()).toMatchObject({ source: kind })
    await live('four')
  })
})
