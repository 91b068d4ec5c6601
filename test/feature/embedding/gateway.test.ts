import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  type ConfigEvent,
  type ConfigObject,
  createGateway,
  type EmbeddedGateway,
  GatewayError,
  type GatewayOptions,
  type InlineOptions,
  memorySource,
  type StateEvent,
  VirtualClock,
} from 'sluice'
import { afterEach, describe, expect, test } from 'vitest'
import { embeddedConfig, opened } from '../../kit/embedded.ts'
import { memoryLog } from '../../kit/log.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function upstream(text = 'ok', status = 200): Promise<TestUpstream> {
  const made = await testUpstream((_request, response) => void response.writeHead(status).end(text))
  closing.push(() => made.close())
  return made
}

/** Open, on the port that is returned. */
async function started(options: InlineOptions): Promise<{ gateway: EmbeddedGateway; port: number }> {
  const gateway = await createGateway(options)
  closing.push(() => gateway.close())
  const [web] = await gateway.listen()
  return { gateway, port: web?.port as number }
}

const get = async (port: number, path = '/'): Promise<{ status: number; text: string }> => {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`)
  return { status: answer.status, text: await answer.text() }
}

async function refused(options: GatewayOptions): Promise<GatewayError> {
  const error = await createGateway(options as InlineOptions).then(
    () => new Error('made'),
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(GatewayError)
  return error
}

describe('a gateway in this thread', () => {
  test('takes its config as an object, as YAML, from a file and from a source', async () => {
    const { port } = await upstream()
    const folder = await mkdtemp(join(tmpdir(), 'sluice-embed-'))
    closing.push(() => rm(folder, { recursive: true }))
    const config = embeddedConfig(port)
    const yaml = `# YAML\n${JSON.stringify(config)}`
    const file = join(folder, 'sluice.yaml')
    await writeFile(file, yaml)
    for (const one of [config, yaml, file, pathToFileURL(file), memorySource(config, folder)])
      expect((await get((await started({ config: one })).port)).text).toBe('ok')
  })

  test('opens no listener before it is told to, and tells where they are', async () => {
    const { port } = await upstream()
    const gateway = await createGateway({ config: embeddedConfig(port) })
    closing.push(() => gateway.close())
    expect(gateway.status()).toMatchObject({ generation: 1, drain: 'serving', listeners: [] })
    const bound = await gateway.listen()
    expect(bound).toEqual([{ name: 'web', host: '127.0.0.1', port: expect.any(Number) }])
    expect(await gateway.listen()).toEqual(bound)
    expect(gateway.status().listeners).toEqual(bound)
    expect(gateway.status().upstreams[0]?.endpoints[0]).toMatchObject({ state: 'usable', text: 'it gets requests' })
  })

  test('rejects where a port is taken, opens none, and may be asked again', async () => {
    const { port } = await upstream()
    const other = createServer()
    const taken = await opened(other)
    const listeners = { free: { listen: '127.0.0.1:0' }, web: { listen: `127.0.0.1:${taken}` } }
    const gateway = await createGateway({ config: embeddedConfig(port, { listeners }) })
    closing.push(() => gateway.close())
    const error = await gateway.listen().catch((reason) => reason)
    expect(error).toMatchObject({ name: 'GatewayError', code: 'listen' })
    expect(error.message).toContain(`listeners.web.listen: cannot listen on 127.0.0.1:${taken}`)
    expect(gateway.status().listeners).toEqual([])
    await new Promise((resolve) => other.close(resolve))
    expect((await gateway.listen()).map(({ name }) => name)).toEqual(['free', 'web'])
    expect((await get(taken)).text).toBe('ok')
  })

  test('keeps what was asked of it: requests in flight end before it is closed', async () => {
    const slow = await testUpstream((_request, response) => void setTimeout(() => response.end('late'), 300))
    closing.push(() => slow.close())
    const { gateway, port } = await started({ config: embeddedConfig(slow.port) })
    const asked = get(port)
    await until(() => slow.seen.length > 0)
    await gateway.close()
    expect((await asked).text).toBe('late')
    expect(gateway.status().drain).toBe('done')
    await expect(get(port)).rejects.toThrow()
  })

  test('is closed once: further calls get the same end, and all others are refused', async () => {
    const { port } = await upstream()
    const { gateway } = await started({ config: embeddedConfig(port) })
    await Promise.all([gateway.close(), gateway.close()])
    await gateway.close()
    for (const call of [() => gateway.listen(), () => gateway.reload(), () => gateway.apply({})])
      await expect(call()).rejects.toMatchObject({ name: 'GatewayError', code: 'closed' })
  })

  test('is closed while its listeners open', async () => {
    const { port } = await upstream()
    const gateway = await createGateway({ config: embeddedConfig(port) })
    const opening = gateway.listen().then(
      ([web]) => web?.port,
      () => undefined,
    )
    await gateway.close()
    const at = await opening
    if (at !== undefined) await expect(get(at)).rejects.toThrow()
    expect(gateway.status().drain).toBe('done')
  })

  test('says nothing unless it is asked to, and touches nothing of the process', async () => {
    const written: unknown[] = []
    const streams = [process.stdout, process.stderr] as const
    const before = streams.map((stream) => stream.write)
    for (const stream of streams) stream.write = (chunk: unknown) => written.push(chunk) > 0
    const listeners = (): string[] =>
      process.eventNames().map((name) => `${String(name)} ${process.listenerCount(name)}`)
    const listening = listeners()
    try {
      const { port } = await upstream()
      const { gateway, port: web } = await started({ config: embeddedConfig(port) })
      await get(web)
      expect(listeners()).toEqual(listening)
      await gateway.close()
    } finally {
      for (const [i, stream] of streams.entries()) stream.write = before[i] as never
    }
    expect(written).toEqual([])
    expect(process.exitCode).toBe(undefined)
  })

  test('hands the lines of both logs to functions; one that throws hurts nothing', async () => {
    const { port } = await upstream()
    const log = memoryLog()
    const lines: string[] = []
    const config = embeddedConfig(port)
    const { port: web } = await started({ config, log, accessLog: (line) => void lines.push(line) })
    for (let i = 0; i < 3; i++) await get(web, `/${i}`)
    await until(() => lines.length === 3)
    expect(lines.map((line) => JSON.parse(line).path)).toEqual(['/0', '/1', '/2'])
    const bad = (): never => {
      throw new Error('not today')
    }
    const throwing = { debug: bad, info: bad, warn: bad, error: bad }
    const other = await started({ config, log: throwing, accessLog: bad })
    expect((await get(other.port)).text).toBe('ok')
  })

  test('writes no file unless its config has a stateDir', async () => {
    const { port } = await upstream()
    const home = await mkdtemp(join(tmpdir(), 'sluice-embed-home-'))
    closing.push(() => rm(home, { recursive: true }))
    const env = { HOME: home, XDG_STATE_HOME: home, STATE_DIRECTORY: home }
    const { gateway } = await started({ config: embeddedConfig(port), env })
    await gateway.close()
    const { readdir } = await import('node:fs/promises')
    expect(await readdir(home)).toEqual([])
    const kept = await started({ config: embeddedConfig(port, { stateDir: home }), env })
    await kept.gateway.close()
    expect(await readdir(home)).toEqual(['sluice'])
  })

  test('serves the admin API only where it is asked to', async () => {
    const { port } = await upstream()
    const free = createServer()
    const at = await opened(free)
    await new Promise((resolve) => free.close(resolve))
    const config = embeddedConfig(port, { admin: { listen: `127.0.0.1:${at}` } })
    await started({ config })
    await expect(get(at, '/api/v1/status')).rejects.toThrow()
    await started({ config, admin: true })
    expect(JSON.parse((await get(at, '/api/v1/status')).text)).toMatchObject({ generation: 1 })
    const answer = await fetch(`http://127.0.0.1:${at}/api/v1/reload`, { method: 'POST' })
    expect(answer.status).toBe(401)
  })
})

describe('what is wrong is told as values', () => {
  const { routes: _, ...without } = embeddedConfig(1) as Record<string, ConfigObject>

  test('of an object, by its keys', async () => {
    const config = embeddedConfig(1, { routes: { all: { match: { path: '/*' }, to: 'orderz' } } })
    const { code, message, problems } = await refused({ config })
    expect(code).toBe('config')
    expect(problems[0]).toMatchObject({ severity: 'error', file: 'config', field: 'routes.all.to' })
    expect(problems[0]?.message).toContain('orderz')
    expect(message).toContain('routes.all.to')
  })

  test('of YAML, by its lines', async () => {
    const { problems } = await refused({ config: 'apiVersion: sluice/v1\nlisteners: { web: { listen: "x" } }\n' })
    expect(problems).toContainEqual(
      expect.objectContaining({ file: 'config', line: 2, column: 29, field: 'listeners.web.listen' }),
    )
  })

  test('of a file that is not there', async () => {
    const { problems } = await refused({ config: '/does/not/exist.yaml' })
    expect(problems).toMatchObject([{ severity: 'error', file: '/does/not/exist.yaml', line: 0 }])
  })

  test.each<[string, unknown, string]>([
    ['no config', { config: undefined }, 'config is undefined'],
    ['a number of workers that is none', { config: without, workers: 0 }, 'workers is 0'],
    ['features as objects with threads', { config: without, workers: 1, features: [{ name: 'stamp' }] }, 'stamp'],
  ])('of the call: %s', async (_name, options, says) => {
    const { code, message } = await refused(options as GatewayOptions)
    expect([code, message]).toEqual(['options', expect.stringContaining(says)])
  })

  test('of values that a config cannot have', async () => {
    const { problems } = await refused({ config: embeddedConfig(1, { upstreams: { a: () => {} } }) })
    expect(problems[0]?.message).toContain('"a" is a function')
  })

  test('of a secret that is missing', async () => {
    const { port } = await upstream()
    const admin = { auth: { tokens: [{ name: 'ci', role: 'admin', secret: { env: 'NOT_THERE' } }] } }
    const { code, message } = await refused({ config: embeddedConfig(port, { admin }), admin: true, env: {} })
    expect([code, message]).toEqual([
      'config',
      expect.stringContaining('admin.auth.tokens[0].secret: the secret is not there'),
    ])
  })
})

describe('another config', () => {
  test('is live for requests from then on, and what is bad changes nothing', async () => {
    const [one, two] = [await upstream('one'), await upstream('two')]
    const { gateway, port } = await started({ config: embeddedConfig(one.port) })
    const told: ConfigEvent[] = []
    gateway.on('config', (event) => told.push(event))
    expect((await get(port)).text).toBe('one')
    expect(await gateway.apply(embeddedConfig(two.port))).toMatchObject({ changed: true, problems: [] })
    expect((await get(port)).text).toBe('two')
    const bad = await gateway.apply({ ...embeddedConfig(one.port), routes: 7 }).catch((reason) => reason)
    expect(bad).toMatchObject({ code: 'config', problems: [{ field: 'routes', severity: 'error' }] })
    expect((await get(port)).text).toBe('two')
    expect(told.map(({ ok, trigger }) => [ok, trigger])).toEqual([
      [true, 'source'],
      [false, 'source'],
    ])
    expect(await gateway.apply(`# again\n${JSON.stringify(embeddedConfig(two.port))}`)).toMatchObject({
      changed: false,
    })
    expect(gateway.status().generation).toBe(2)
  })

  test('takes the place of a file until the next reload', async () => {
    const [one, two] = [await upstream('one'), await upstream('two')]
    const folder = await mkdtemp(join(tmpdir(), 'sluice-embed-'))
    closing.push(() => rm(folder, { recursive: true }))
    const file = join(folder, 'sluice.yaml')
    await writeFile(file, JSON.stringify(embeddedConfig(one.port, { watch: 'off' })))
    const { gateway, port } = await started({ config: file })
    await gateway.apply(embeddedConfig(two.port, { watch: 'off' }))
    expect((await get(port)).text).toBe('two')
    expect(await gateway.reload()).toMatchObject({ changed: true })
    expect((await get(port)).text).toBe('one')
  })

  test('comes from a file that is watched', async () => {
    const [one, two] = [await upstream('one'), await upstream('two')]
    const folder = await mkdtemp(join(tmpdir(), 'sluice-embed-'))
    closing.push(() => rm(folder, { recursive: true }))
    const file = join(folder, 'sluice.yaml')
    const write = (port: number) => writeFile(file, JSON.stringify(embeddedConfig(port, { watch: '100ms' })))
    await write(one.port)
    const { port } = await started({ config: file })
    expect((await get(port)).text).toBe('one')
    await write(two.port)
    await until(async () => (await get(port)).text === 'two')
  })

  test('opens and closes listeners', async () => {
    const { port } = await upstream()
    const { gateway, port: web } = await started({ config: embeddedConfig(port) })
    await gateway.apply(embeddedConfig(port, { listeners: { other: { listen: '127.0.0.1:0' } } }))
    const [other, ...more] = gateway.status().listeners
    expect([other?.name, more]).toEqual(['other', []])
    expect((await get(other?.port as number)).text).toBe('ok')
    await until(() =>
      get(web).then(
        () => false,
        () => true,
      ),
    )
  })
})

describe('two gateways', () => {
  test('share nothing', async () => {
    const [sick, sound] = [await upstream('sick', 503), await upstream('sound')]
    const breaking = { circuitBreaker: { window: '10s', minRequests: 2, errorRate: 0.5 } }
    const routes = { all: { match: { path: '/*' }, to: 'orders', ...breaking } }
    const one = await started({ config: embeddedConfig(sick.port, { routes }) })
    const two = await started({ config: embeddedConfig(sound.port, { routes }) })
    const told: StateEvent[] = []
    two.gateway.on('state', (event) => told.push(event))
    for (let i = 0; i < 4; i++) await get(one.port)
    const breakers = ({ gateway }: typeof one) => (gateway.status().breakers as { state: string }[])[0]?.state
    await until(() => breakers(one) === 'open')
    expect([breakers(two), told]).toEqual(['closed', []])
    expect(await get(two.port)).toEqual({ status: 200, text: 'sound' })
    const third = await createGateway({
      config: embeddedConfig(sound.port, { listeners: { web: { listen: `127.0.0.1:${one.port}` } } }),
    })
    closing.push(() => third.close())
    await expect(third.listen()).rejects.toMatchObject({ code: 'listen' })
    await one.gateway.close()
    expect((await third.listen())[0]?.port).toBe(one.port)
    expect(await get(two.port)).toEqual({ status: 200, text: 'sound' })
  })
})

describe('time that stands still', () => {
  test('opens a breaker until it is told to go on', async () => {
    let status = 503
    const made = await testUpstream((_request, response) => void response.writeHead(status).end())
    closing.push(() => made.close())
    const clock = new VirtualClock()
    const circuitBreaker = { window: '10s', minRequests: 2, errorRate: 0.5, openFor: '30s' }
    const routes = { all: { match: { path: '/*' }, to: 'orders', retries: 'off', circuitBreaker } }
    const { gateway, port } = await started({ clock, config: embeddedConfig(made.port, { routes }) })
    const states: string[] = []
    gateway.on('state', ({ labels, state }) => states.push(`${labels.route} ${state}`))
    for (let i = 0; i < 2; i++) expect((await get(port)).text).toBe('')
    expect((await get(port)).text).toContain('breaker_open')
    status = 200
    clock.advance(20_000)
    expect((await get(port)).text).toContain('breaker_open')
    clock.advance(40_000)
    expect((await get(port)).status).toBe(200)
    expect(states[0]).toBe('all open')
    await gateway.close()
    expect(clock.timers).toBe(0)
  })

  test('does not keep it from closing, with a request in flight', async () => {
    const never = await testUpstream(() => {})
    closing.push(() => never.close())
    const clock = new VirtualClock()
    const drain = { delay: '0s', timeout: '200ms' }
    const { gateway, port } = await started({ clock, config: embeddedConfig(never.port, { drain }) })
    const asked = get(port)
    await until(() => never.seen.length > 0)
    await gateway.close()
    expect((await asked).status).toBe(503)
    expect(clock.timers).toBe(0)
  })
})
