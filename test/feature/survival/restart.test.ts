import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { says } from '../../kit/reload.ts'
import { ONE_WORKER } from '../../kit/sluice.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'
import { Survivor } from './survivor.ts'

let gateway: Survivor
let a: TestUpstream
let b: TestUpstream

beforeEach(async () => {
  gateway = Survivor.make()
  a = await testUpstream((_req, res) => void res.end('a'))
  b = await testUpstream((_req, res) => void res.end('b'))
})

afterEach(async () => {
  await gateway.close()
  await a.close()
  await b.close()
})

const yaml = (): string => `${ONE_WORKER}watch: off
upstreams: { app: { endpoints: ["${a.url}", "${b.url}"] } }
routes:
  app: { match: { path: /app }, to: app, circuitBreaker: {} }
  fail: { match: { path: /fail }, respond: { status: 503, body: no } }
`

/** Each is killed; that an orderly end loses nothing either is one more test. */
describe('after kill -9', () => {
  test('the history is there, to go back in', async () => {
    await gateway.start(`${ONE_WORKER}routes:\n${says('all', '/*', 'zero')}`)
    for (const text of ['one', 'two', 'three']) {
      const config = `${ONE_WORKER}routes:\n${says('all', '/*', text)}`
      expect(await gateway.command('config', { yaml: config })).toMatchObject({ changed: true, inHistory: true })
    }
    const before = await gateway.get<{ configs: { number: number; source: string }[] }>('history')
    expect(before.configs.map(({ number, source }) => [number, source])).toEqual([
      [4, 'api'],
      [3, 'api'],
      [2, 'api'],
      [1, 'files'],
    ])
    await gateway.again()
    // The start reads the file.
    expect((await gateway.sluice.get('/')).body).toBe('zero')
    const after = await gateway.get<{ configs: unknown[] }>('history')
    expect(after.configs.slice(1)).toEqual(before.configs)
    expect(await gateway.command('rollback', { number: 3 })).toMatchObject({ changed: true, inHistory: true })
    expect((await gateway.sluice.get('/')).body).toBe('two')
  })

  test('the last good config is there, for a start with a bad one, whatever became of the store', async () => {
    await gateway.start(`${ONE_WORKER}routes:\n${says('all', '/*', 'good')}`)
    await gateway.kill()
    await writeFile(join(gateway.state(), 'state.db'), 'not a database')
    await expect(gateway.start(`${ONE_WORKER}routes: { all: 7 }`)).rejects.toThrow('exited with 2')
    await gateway.start(undefined, { args: ['--last-known-good'] })
    expect((await gateway.sluice.get('/')).body).toBe('good')
  })

  test('the last good config of this file is found in the history, where another file was live since', async () => {
    await gateway.start(`${ONE_WORKER}routes:\n${says('all', '/*', 'mine')}`)
    await gateway.kill()
    const other = join(gateway.folder, 'other.yaml')
    await writeFile(other, `${ONE_WORKER}routes:\n${says('all', '/*', 'other')}`)
    const { file } = gateway
    gateway.file = other
    await gateway.start()
    await gateway.kill()
    gateway.file = file
    await gateway.start(`${ONE_WORKER}routes: { all: 7 }`, { args: ['--last-known-good'] })
    expect((await gateway.sluice.get('/')).body).toBe('mine')
  })

  test('the audit log goes on, and its index finds what was done before', async () => {
    await gateway.start(yaml())
    await gateway.command('endpoints', { upstream: 'app', endpoint: a.url, to: 'drain' })
    await gateway.command('log-level', { level: 'info' })
    await gateway.again()
    await gateway.command('endpoints', { upstream: 'app', endpoint: a.url, to: 'undrain' })
    const found = await gateway.get<{ entries: { number: number }[] }>('audit?action=endpoints')
    expect(found.entries.map(({ number }) => number)).toEqual([2, 5])
    expect((await gateway.cli('audit', 'show', '--actor', 'start')).stdout.split('\n')).toHaveLength(3)
    expect(gateway.messages()).not.toContain('lines were cut off the end of the audit log')
  })

  test('sluice why tells of a request that an earlier process recorded', async () => {
    await gateway.start(yaml())
    let id = ''
    await gateway.stored(async () => {
      id = (await gateway.sluice.get('/fail')).headers['sluice-request-id'] as string
    })
    const { pid } = gateway.sluice
    const before = await gateway.get<{ requests: object[] }>(`requests/${id}`)
    expect(before.requests).toMatchObject([{ process: { pid, current: true } }])
    await gateway.again()
    const after = await gateway.get<{ requests: { process: object }[] }>(`requests/${id}`)
    expect(after.requests).toEqual([{ ...before.requests[0], process: { ...process(before), current: false } }])
    const listed = await gateway.get<{ requests: object[] }>('requests')
    expect(listed.requests).toMatchObject([{ requestId: id, process: { pid, current: false } }])
    const { stdout } = await gateway.cli('why', id)
    expect(stdout).toContain('GET 127.0.0.1')
    expect(stdout).toContain(`\n  recorded by an earlier process, ${pid}, which was started at `)
  })

  test('a drained endpoint gets not one request, and says who drained it and since when', async () => {
    await gateway.start(yaml())
    expect(await gateway.command('endpoints', { upstream: 'app', endpoint: a.url, to: 'drain' })).toMatchObject({
      durable: true,
      endpoints: [{ state: 'draining', drain: { by: 'local' } }],
    })
    const before = await gateway.get<{ endpoints: { drain: object }[] }>('endpoints')
    await gateway.kill()
    const seen = a.seen.length
    const sluice = await gateway.start()
    for (let i = 0; i < 20; i++) expect((await sluice.get('/app')).body).toBe('b')
    expect(a.seen.length).toBe(seen)
    expect((await gateway.get<typeof before>('endpoints')).endpoints[0]?.drain).toEqual(before.endpoints[0]?.drain)
    expect((await gateway.cli('status')).stdout).toMatch(/draining.*\(local has drained it: .*taken back in/)
    const undrained = await gateway.cli('endpoint', 'undrain', 'app', a.url)
    expect(undrained).toMatchObject({ code: 0, stderr: '' })
    await gateway.again()
    expect((await gateway.get<{ endpoints: object[] }>('endpoints')).endpoints).toMatchObject([
      { state: 'usable', drain: null },
      { state: 'usable', drain: null },
    ])
  })

  test('a forced breaker refuses the first request, for what is left of its time', async () => {
    await gateway.start(yaml())
    const command = { route: 'app', to: 'open', for: '1h' }
    expect(await gateway.command('breakers', command)).toMatchObject({ durable: true })
    const since = Date.parse(String((await breaker()).since))
    await gateway.kill()
    const sluice = await gateway.start()
    const first = await sluice.get('/app')
    expect([first.status, a.seen.length + b.seen.length]).toEqual([503, 0])
    expect(first.headers['proxy-status']).toContain('breaker_open')
    const left = Number(first.headers['retry-after'])
    expect(left).toBeGreaterThan(3_000)
    expect(left).toBeLessThanOrEqual(3_600)
    expect(await breaker()).toMatchObject({
      state: 'forced_open',
      since: new Date(since).toISOString(),
      text: `local has forced it until ${new Date(since + 3_600_000).toISOString()}: all attempts are refused`,
    })
    expect(await gateway.command('breakers', { route: 'app', to: 'auto' })).toMatchObject({ durable: true })
    await gateway.again()
    expect((await gateway.sluice.get('/app')).status).toBe(200)
    expect(await breaker()).toMatchObject({ state: 'closed' })
  })

  test('a breaker whose time ends while no process runs is free', async () => {
    await gateway.start(yaml())
    await gateway.command('breakers', { route: 'app', to: 'open', for: '1s' })
    await gateway.kill()
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    await gateway.start()
    expect((await gateway.sluice.get('/app')).status).toBe(200)
    expect(await breaker()).toMatchObject({ state: 'closed' })
  })
})

test('the drain of an endpoint that left the config meanwhile is told, and can be taken back', async () => {
  await gateway.start(yaml())
  await gateway.command('endpoints', { upstream: 'app', endpoint: b.url, to: 'drain' })
  await gateway.kill()
  await gateway.start(yaml().replace(`, "${b.url}"`, ''))
  const absent = [{ upstream: 'app', endpoint: b.url, by: 'local' }]
  expect(await gateway.get<object>('endpoints')).toMatchObject({ endpoints: [{ state: 'usable' }], absent })
  expect(await gateway.get<object>('status')).toMatchObject({ absentDrains: absent })
  const { stdout } = await gateway.cli('status')
  expect(stdout).toContain(`drained, not there now: app ${b.url} (by local, since 2`)
  expect((await gateway.cli('endpoint', 'undrain', 'app', b.url)).code).toBe(0)
  expect(await gateway.get<object>('endpoints')).toMatchObject({ absent: [] })
})

test('an orderly end loses nothing, however short ago it came', async () => {
  await gateway.start(yaml())
  const { headers } = await gateway.sluice.get('/fail')
  await gateway.command('breakers', { route: 'app', to: 'closed', for: '1h' })
  await gateway.command('endpoints', { upstream: 'app', endpoint: b.url, to: 'drain' })
  expect(await gateway.end()).toBe(0)
  await gateway.start()
  expect(await breaker()).toMatchObject({ state: 'forced_closed' })
  expect((await gateway.sluice.get('/app')).body).toBe('a')
  expect((await gateway.get<{ requests: object[] }>(`requests/${headers['sluice-request-id']}`)).requests).toHaveLength(
    1,
  )
})

test('the files that an earlier version kept are taken over once', async () => {
  const folder = join(gateway.state(), 'configs')
  await mkdir(folder, { recursive: true })
  const text = `${ONE_WORKER}routes:\n${says('all', '/*', 'older')}`
  const kept = {
    number: 41,
    hash: 'x',
    savedAt: '2025-01-01T00:00:00.000Z',
    source: 'files',
    main: gateway.file,
    documents: { [gateway.file]: text },
  }
  await writeFile(join(folder, '000041.json'), JSON.stringify(kept))
  await gateway.start(yaml())
  const { configs } = await gateway.get<{ configs: { number: number }[] }>('history')
  expect(configs.map(({ number }) => number)).toEqual([42, 41])
  expect(await readdir(gateway.state())).not.toContain('configs')
  await gateway.again()
  expect(await gateway.command('rollback', { number: 41 })).toMatchObject({ changed: true })
  expect((await gateway.sluice.get('/')).body).toBe('older')
})

async function breaker(): Promise<Record<string, unknown>> {
  const { breakers } = await gateway.get<{ breakers: Record<string, unknown>[] }>('breakers')
  return breakers.find(({ route }) => route === 'app') ?? {}
}

function process({ requests }: { requests: object[] }): object {
  return (requests[0] as { process: object }).process
}
