import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Load } from '../../kit/load.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { closedPort } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'
import { type Ended, sluice as run } from './cli.ts'

let a: TestUpstream
let b: TestUpstream
let gateway: Sluice

beforeAll(async () => {
  a = await testUpstream((_req, res) => void res.end('a'))
  b = await testUpstream((_req, res) => void res.end('b'))
  gateway = await startSluice(`${TOP}
upstreams:
  app: { endpoints: ["${a.url}", "${b.url}"], healthCheck: { type: tcp, interval: 100ms } }
  alone: { endpoints: ["${a.url}"] }
routes:
  app: { match: { path: /app }, to: app, circuitBreaker: {} }
  alone: { match: { path: /alone }, to: alone, retries: off }
`)
})

afterAll(async () => {
  expect(await gateway.stop()).toBe(0)
  await a.close()
  await b.close()
})

/** A command against the gateway, as its user. */
const sluice = (...args: string[]): Promise<Ended> =>
  run(gateway.folder, [...args, '--admin', `http://127.0.0.1:${gateway.adminPort}`], {
    XDG_STATE_HOME: join(gateway.folder, 'state'),
  })

async function states(): Promise<Record<string, string>> {
  const { endpoints } = JSON.parse((await gateway.admin('/api/v1/endpoints')).body) as {
    endpoints: { upstream: string; endpoint: string; state: string }[]
  }
  return Object.fromEntries(endpoints.map(({ upstream, endpoint, state }) => [`${upstream} ${endpoint}`, state]))
}

describe('sluice endpoint', () => {
  beforeEach(async () => {
    for (const upstream of ['app', 'alone'])
      expect((await gateway.command('endpoints', { upstream, endpoint: a.url, to: 'undrain' })).status).toBe(200)
  })

  test('drain: no new attempt, not one, and nothing fails; undrain takes it back in', async () => {
    const load = new Load({ port: gateway.port(), path: '/app', parallel: 8 })
    await until(() => a.seen.length > 20 && b.seen.length > 20)
    expect(await sluice('endpoint', 'drain', 'app', a.url)).toEqual({
      code: 0,
      stdout: expect.stringMatching(new RegExp(`^app ${a.url}: draining, \\d+ in flight\n$`)),
      stderr: '',
    })
    expect(await states()).toEqual({
      [`app ${a.url}`]: 'draining',
      [`app ${b.url}`]: 'usable',
      [`alone ${a.url}`]: 'usable',
    })
    // What was picked before has been sent by now.
    await load.more(50)
    const before = a.seen.length
    await load.more(500)
    expect(a.seen.length).toBe(before)
    // Health checks go on, and don't put it back.
    await gateway.shows('sluice_upstream_endpoints{upstream="app",state="draining"} 1')
    expect((await sluice('endpoint', 'undrain', 'app', a.url)).stdout).toContain('usable')
    await until(() => a.seen.length > before + 20)
    await load.stop()
    expect(load.broken, load.summary).toEqual([])
    expect([...load.statuses.keys()]).toEqual([200])
  })

  test('the only endpoint, drained, is not a last resort', async () => {
    expect((await gateway.get('/alone')).status).toBe(200)
    await sluice('endpoint', 'drain', 'alone', `127.0.0.1:${a.port}`)
    const before = a.seen.length
    const answer = await gateway.get('/alone')
    expect([answer.status, answer.headers['proxy-status']]).toEqual([503, expect.stringContaining('no_endpoint')])
    expect(a.seen.length).toBe(before)
  })

  test.each([
    [['endpoint', 'drain', 'app'], 64, 'expected drain|undrain UPSTREAM ENDPOINT'],
    [['endpoint', 'stop', 'app', 'http://127.0.0.1:1'], 64, 'expected drain|undrain UPSTREAM ENDPOINT'],
    [['endpoint', 'drain', 'app', 'http://127.0.0.1:1'], 64, 'no such endpoint: "http://127.0.0.1:1"; there are http'],
    [['endpoint', 'drain', 'nobody', 'http://127.0.0.1:1'], 64, 'no such upstream: "nobody"'],
    [['endpoint', 'drain', 'app', 'x', '--force'], 64, "Unknown option '--force'"],
    [['breaker', 'open', 'app'], 64, '--for is missing'],
    [['breaker', 'ajar', 'app'], 64, 'expected open|close|auto ROUTE [UPSTREAM]'],
    [['breaker', 'open', 'app', '--for', 'long'], 64, 'is not a duration'],
    [['breaker', 'auto', 'nobody'], 64, 'there is no such circuit breaker'],
    [['status', 'app'], 64, 'expected no arguments'],
    [['status', '--admin', 'nonsense'], 64, 'is not a URL'],
  ])('%j is refused', async (args, code, message) => {
    const before = await states()
    const ended = args.includes('--admin') ? await run(gateway.folder, args) : await sluice(...args)
    expect(ended).toEqual({ code, stdout: '', stderr: expect.stringContaining(message) })
    expect(await states()).toEqual(before)
  })
})

test('sluice breaker opens, closes and lets go', async () => {
  const said = async (...args: string[]): Promise<string> => (await sluice('breaker', ...args)).stdout
  expect(await said('open', 'app', '--for', '10m')).toBe('app app: forced_open\n')
  expect((await gateway.get('/app')).status).toBe(503)
  expect((await sluice('status')).stdout).toMatch(
    /breaker app app: forced_open \(local has forced it until \S+Z: all attempts are refused\)\n/,
  )
  expect(await said('close', 'app', 'app', '--for', '10m')).toBe('app app: forced_closed\n')
  expect(await said('auto', 'app')).toBe('app app: closed\n')
  expect((await gateway.get('/app')).status).toBe(200)
})

test('sluice status shows what runs', async () => {
  const { code, stdout } = await sluice('status')
  expect(code).toBe(0)
  expect(stdout).toMatch(
    /^test: serving, version \S+, up \d+ s, config [0-9a-f]{12}\nworkers: 2 of 2 serve\nupstream app\n/,
  )
  expect(stdout).toContain(`  ${b.url} usable, 0 in flight\n`)
  const { breakers, gateway: name } = JSON.parse((await sluice('status', '--json')).stdout)
  expect([name, breakers.length]).toEqual(['test', 2])
})

test('sluice status and reload say what of the files is not live, each problem once', async () => {
  const good = await readFile(gateway.file, 'utf8')
  const said = async (): Promise<string> => (await sluice('status')).stdout
  await writeFile(gateway.file, good.replace('retries: off', 'retries: { maxExtras: 2 }'))
  const { code, stderr } = await sluice('reload')
  const problem = /sluice\.yaml:\d+:\d+: routes\.alone\.retries\.maxExtras: unknown key; did you mean maxExtra\?\n/g
  expect([code, stderr.match(problem)?.length]).toEqual([2, 1])
  expect(await said()).toMatch(
    /\nthe latest change was refused, this config stayed live\n {2}\S+:\d+:\d+: routes\.alone/,
  )
  await writeFile(gateway.file, good.replace('workers: 2', 'workers: 1'))
  expect((await sluice('reload')).code).toBe(0)
  expect(await said()).toMatch(/^test: .*\nwith the next start: workers\nworkers: /)
  await writeFile(gateway.file, good)
  expect((await sluice('reload')).code).toBe(0)
  expect(await said()).toMatch(/^test: .*\nworkers: 2 of 2 serve\n/)
})

describe('who may', () => {
  const at = (port: number, ...args: string[]): Promise<Ended> =>
    run(gateway.folder, [...args, '--admin', `http://127.0.0.1:${port}`], { HOME: gateway.folder })

  test('no gateway there: 69', async () => {
    const port = await closedPort()
    for (const args of [['status'], ['endpoint', 'drain', 'app', a.url]]) {
      expect(await at(port, ...args)).toEqual({
        code: 69,
        stdout: '',
        stderr: expect.stringContaining(`no gateway answers at http://127.0.0.1:${port}`),
      })
    }
    expect((await at(a.port, 'status')).code).toBe(69)
  })

  test('no token: 1, and how to name it', async () => {
    const ended = await at(gateway.adminPort, 'endpoint', 'drain', 'app', a.url)
    expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining('give --token-file')])
    expect((await at(gateway.adminPort, 'status')).code).toBe(0)
  })

  test('a wrong token: 1; one of a file that is named: 0', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-test-'))
    const wrong = join(folder, 'token')
    await writeFile(wrong, 'nonsense\n')
    const drain = (file: string): Promise<Ended> =>
      at(gateway.adminPort, 'endpoint', 'undrain', 'app', a.url, '--token-file', file)
    expect(await drain(wrong)).toMatchObject({ code: 1, stderr: expect.stringContaining('token') })
    expect(await drain(join(gateway.folder, 'state/sluice/test/admin-token'))).toMatchObject({ code: 0 })
    await rm(folder, { recursive: true })
  })

  test('the token of this machine goes to no other', async () => {
    const ended = await run(gateway.folder, ['endpoint', 'drain', 'app', a.url, '--admin', 'http://gateway.test:9901'])
    expect([ended.code, ended.stderr]).toEqual([64, expect.stringContaining('needs --token-file')])
  })
})

test.each([
  [{ upstream: 'app', endpoint: 'x', to: 'drain' }, {}, 401],
  [{ upstream: 'app', endpoint: 'x', to: 'drain' }, { authorization: 'Bearer nonsense' }, 401],
])('the API asks for a token: %j %j', async (body, headers, status) => {
  const answer = await fetch(`http://127.0.0.1:${gateway.adminPort}/api/v1/endpoints`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers } as Record<string, string>,
    body: JSON.stringify(body),
  })
  expect(answer.status).toBe(status)
  await answer.body?.cancel()
})
