import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { replay as command } from '../../../src/cli/replay.ts'
import { shownOf } from '../../../src/data/engine/snapshot.ts'
import { AccessLog } from '../../../src/data/seeing/access-log.ts'
import { seededRandom } from '../../../src/lib/random.ts'
import { Model, type WrittenConfig } from '../../../src/tools/explain/model.ts'
import { Replay, type ReplayReport } from '../../../src/tools/explain/replay.ts'
import { ManualClock } from '../../kit/clock.ts'
import { ConfiguredPlane, type Ended } from '../../kit/plane.ts'
import { runCommand } from '../cli/cli.ts'
import { Generator } from './generate.ts'
import { run, told, written } from './kit.ts'

const TOP = `apiVersion: sluice/v1
listeners: { web: { listen: "127.0.0.1:8080" } }
upstreams: { a: { endpoints: ["http://10.0.0.1"] }, b: { endpoints: ["http://10.0.0.2"] } }
routes:
`
const OLD = `${TOP}
  canary: { match: { path: /*, headers: { x-canary: "1" } }, to: b }
  search: { match: { path: /search, query: { v: "2" } }, to: b }
  rest: { match: { path: /* }, to: a, timeouts: { request: 5s } }
`

async function loaded(text: string): Promise<WrittenConfig> {
  const found = await written(text)
  if (found === undefined) throw new Error(`errors in ${text}`)
  return found
}

const line = (fields: object): string =>
  JSON.stringify({ method: 'GET', host: 'a.test', path: '/x', status: 200, ...fields })

/** What a report says of single lines: `KIND what`, or `same`. */
function verdicts(report: ReplayReport): readonly string[] {
  const kinds = ['routes', 'upstreams', 'policies', 'undecided'] as const
  const found = kinds.flatMap((kind) => report[kind].map(({ count, what }) => `${kind} ${what} x${count}`))
  const counts = (['same', 'refused', 'unreadable'] as const).filter((kind) => report[kind] > 0)
  return [...found, ...counts.map((kind) => `${kind} x${report[kind]}`)]
}

async function replayed(now: string, lines: readonly string[], old?: string): Promise<readonly string[]> {
  const all = new Replay(await loaded(now), old === undefined ? undefined : await loaded(old))
  for (const one of lines) all.line(one)
  return verdicts(all.report())
}

describe('replay', () => {
  const rest = line({ route: 'rest', upstream: 'a' })
  const canary = line({ route: 'canary', upstream: 'b', matched_headers: { 'x-canary': '1' } })

  test('against the config that wrote the log, nothing differs and nothing is undecided', async () => {
    const lines = [rest, canary, line({ path: '/search', query: '?v=2&q=***', route: 'search' })]
    expect(await replayed(OLD, lines, OLD)).toEqual(['same x3'])
  })

  test('lines of requests that Sluice made itself are left out; what another route answered is not held against this one', async () => {
    const own = line({ kind: 'call', feature: 'auth', upstream: 'b' })
    const rerouted = line({ route: 'rest', rerouted: ['canary'], upstream: 'b' })
    expect(await replayed(OLD, [own, rerouted], OLD)).toEqual(['same x1'])
  })

  test('what the line does not tell is undecided, never guessed', async () => {
    expect(await replayed(OLD, [rest])).toEqual(['undecided header x-canary exact "1" x1'])
    expect(await replayed(OLD, [canary])).toEqual(['same x1'])
    const masked = line({ path: '/search', query: '?v=***', route: 'rest', matched_headers: { 'x-canary': '0' } })
    expect(await replayed(OLD, [masked])).toEqual(['undecided query v exact "2" x1'])
    const without = line({ path: '/search', query: '?q=***', route: 'rest', matched_headers: { 'x-canary': '0' } })
    expect(await replayed(OLD, [without])).toEqual(['same x1'])
  })

  test('of a hidden value only presence is known; of several lines any may hold', async () => {
    const by = (condition: string) => `${TOP}  r: { match: { headers: { cookie: ${condition} } }, to: a }\n`
    const hidden = line({ route: 'r', upstream: 'a', matched_headers: { cookie: '***' } })
    expect(await replayed(by('{ present: true }'), [hidden])).toEqual(['same x1'])
    expect(await replayed(by('{ absent: true }'), [hidden])).toEqual(['routes r -> (none) x1'])
    expect(await replayed(by('{ prefix: a }'), [hidden])).toEqual(['undecided header cookie prefix *** x1'])
    const several = line({ route: 'canary', upstream: 'b', matched_headers: { 'x-canary': ['0', '1'] } })
    expect(await replayed(OLD, [several], OLD)).toEqual(['same x1'])
  })

  test('tells which requests take another route, or none', async () => {
    const now = OLD.replace('path: /* }, to: a', 'path: /y }, to: a')
    const lines = [rest, rest, line({ path: '/y', route: 'rest' }), canary]
    expect(await replayed(now, lines, OLD)).toEqual(['routes rest -> (none) x2', 'same x2'])
    const few = `${TOP}  y: { match: { path: /y, methods: GET }, to: b }\n`
    const none = [
      line({ path: '/z', reason: 'no_route' }),
      line({ method: 'PUT', path: '/y', reason: 'method_not_allowed' }),
    ]
    expect(await replayed(few, none)).toEqual(['same x2'])
    expect(await replayed(few.replace(', methods: GET', ''), none)).toEqual(['routes (none) -> y x1', 'same x1'])
    const more = `${OLD}  y: { match: { path: /y }, to: b }\n`
    expect(await replayed(more, [line({ path: '/y', route: 'rest' })], OLD)).toEqual(['routes rest -> y x1'])
  })

  test('another upstream: the one of the line where nothing else is known, else what the files say', async () => {
    const moved = OLD.replace('/* }, to: a', '/* }, to: b')
    const known = line({ route: 'rest', upstream: 'a', matched_headers: { 'x-canary': '0' } })
    expect(await replayed(moved, [known])).toEqual(['upstreams rest: a -> b x1'])
    expect(await replayed(moved, [rest], OLD)).toEqual(['upstreams rest: to a -> b x1'])
    const failover = OLD.replace('to: a,', 'to: a, failover: b,')
    expect(await replayed(failover, [rest], OLD)).toEqual(['upstreams rest: failover (none) -> b x1'])
  })

  test('other policies, against an old config', async () => {
    const now = OLD.replace('request: 5s', 'request: 6s, attempt: 1s')
    expect(await replayed(now, [rest, canary], OLD)).toEqual([
      'policies rest: timeouts.request, timeouts.attempt x1',
      'same x1',
    ])
  })

  test('what never came to a route is counted apart, and so is what is no line', async () => {
    const lines = [
      line({ reason: 'bad_request', method: '', path: '' }),
      '{"time":',
      '17',
      '{"level":"info","message":"ready"}',
      '',
      line({ path: 7 }),
    ]
    expect(await replayed(OLD, lines)).toEqual(['refused x1', 'unreadable x4'])
  })

  test('the query of a path that was refused is not known', async () => {
    const now = `${OLD.replace('upstreams:', 'pathPolicy: { dots: normalise }\nupstreams:')}`
    const dots = line({ path: '/a/../search', reason: 'ambiguous_path', matched_headers: { 'x-canary': '0' } })
    expect(await replayed(now, [dots])).toEqual(['undecided query v exact "2" x1'])
  })

  test('never says what is not so: generated configs and requests through the real engine and the real log', async () => {
    const generator = new Generator(seededRandom(11))
    const top = { listeners: { web: { listen: '127.0.0.1:8080', limits: { headerCount: 20 } } } }
    const counts = { pairs: 0, decided: 0, undecided: 0, moved: 0 }
    while (counts.pairs < 60) {
      const make = () => generator.config(top, (name) => `http://${name}.test`)
      const [oldText, other] = [make(), make()]
      const routes = {
        ...JSON.parse(oldText).routes,
        ...Object.fromEntries(Object.entries(JSON.parse(other).routes).slice(0, 2)),
      }
      const [old, now] = [await written(oldText), await written(JSON.stringify({ ...JSON.parse(oldText), routes }))]
      if (old === undefined || now === undefined) continue
      counts.pairs++
      const plane = await ConfiguredPlane.of(old.config)
      const [before, after] = [new Model(old), new Model(now)]
      for (let i = 0; i < 25; i++) {
        const request = generator.request()
        const logged = lineOf(await run(plane, old, request), old)
        const from = told(before, request).route?.name
        const to = told(after, request).route?.name
        for (const against of [undefined, old]) {
          const one = new Replay(now, against)
          one.line(logged)
          const report = one.report()
          const story = `${logged} of ${JSON.stringify(request)}: ${verdicts(report)}; ${oldText} then ${JSON.stringify(routes)}`
          expect(report.unreadable, story).toBe(0)
          if (report.refused > 0) continue
          if (report.undecided.length > 0) {
            counts.undecided++
            continue
          }
          counts.decided++
          if (from !== to) counts.moved++
          const [moved] = report.routes
          expect(moved?.what, story).toBe(from === to ? undefined : `${from ?? '(none)'} -> ${to ?? '(none)'}`)
        }
      }
    }
    expect(Math.min(counts.moved, counts.undecided), JSON.stringify(counts)).toBeGreaterThan(50)
    expect(counts.decided, JSON.stringify(counts)).toBeGreaterThan(5 * counts.undecided)
  })
})

/** The line that the gateway writes of it. */
function lineOf({ ex }: Ended, { config }: WrittenConfig): string {
  let text = ''
  const clock = new ManualClock()
  const sink = {
    write: (one: string) => {
      text += one
      return true
    },
  }
  const log = new AccessLog(sink, clock)
  const route = config.lean.routes.find(({ name }) => name === ex.route?.name)
  const shown = route === undefined ? { queryKeys: new Set<string>(), headerNames: [] } : shownOf(route as never)
  const { accessLog } = config.lean
  log.write(ex, log.route(route?.name, shown, { generation: 1, gateway: { name: 'gw' }, accessLog }), 200, clock.now())
  return text
}

describe('sluice replay', () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-test-'))
    await writeFile(join(folder, 'old.yaml'), OLD)
    await writeFile(join(folder, 'new.yaml'), OLD.replace('path: /* }, to: a', 'path: /y/* }, to: a'))
  })

  afterAll(() => rm(folder, { recursive: true, force: true }))

  const ask = (args: readonly string[]) =>
    runCommand(
      command,
      args.map((arg) => (arg.startsWith('-') ? arg : join(folder, arg))),
    )

  test('streams a log, however its lines fall into chunks, and shows an example of each group', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) =>
      line({ path: `/${i % 2 === 0 ? 'y' : 'ü'}/${i}`, query: '?token=abc', route: 'rest', upstream: 'a' }),
    )
    lines.splice(5000, 0, 'x'.repeat(3_000_000))
    await writeFile(join(folder, 'a.log'), lines.join('\r\n'))
    const { code, stdout } = await ask(['new.yaml', 'a.log', '--against', 'old.yaml'])
    expect(code).toBe(3)
    expect(stdout.split('\n')).toEqual([
      'lines                     20001',
      'as before                 10000',
      'another route             10000',
      'other upstreams           0',
      'other policies            0',
      'undecided                 0',
      'refused before any route  0',
      'unreadable                1',
      '',
      'another route',
      '  rest -> (none)  10000  GET a.test/ü/1?token=***',
      '',
    ])
  })

  test('0 where nothing changes, 1 for a log that is not there, 2 for a bad file, 64 without a log', async () => {
    await writeFile(join(folder, 'b.log'), `${line({ route: 'rest', upstream: 'a' })}\n`)
    expect((await ask(['old.yaml', 'b.log', '--against', 'old.yaml', '--json'])).code).toBe(0)
    expect((await ask(['old.yaml', 'no.log'])).code).toBe(1)
    expect((await ask(['b.log', 'b.log'])).code).toBe(2)
    expect((await ask(['old.yaml'])).code).toBe(64)
  })

  test('takes 100,000 different lines in a tenth of the time that a million may take, and more', async () => {
    const lines = Array.from({ length: 100_000 }, (_, i) =>
      line({ path: `/y/${i}/z`, query: `?q=***&n=${i}`, route: 'rest', upstream: 'a' }),
    )
    await writeFile(join(folder, 'c.log'), `${lines.join('\n')}\n`)
    // CPU time: others may be busy on this machine.
    const before = process.cpuUsage()
    const { code } = await ask(['new.yaml', 'c.log', '--against', 'old.yaml'])
    expect(code).toBe(0)
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1000).toBeLessThan(10_000)
  })
})
