import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { Config } from '../../../src/config/language/config.ts'
import { Gateway, type StartedFacts } from '../../../src/control/gateway.ts'
import { inThreads } from '../../../src/control/workers/thread.ts'
import type { EndpointConfig, UpstreamConfig } from '../../../src/core/config.ts'
import { FEATURES } from '../../../src/features/index.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { systemRandom } from '../../../src/lib/random.ts'
import { object, optional } from '../../../src/schema/composites.ts'
import { boolean } from '../../../src/schema/scalars.ts'
import { Secret, type SecretSource } from '../../../src/schema/secret.ts'
import { dnsServer } from '../../kit/dns.ts'
import { HEAD } from '../../kit/lean.ts'
import { memoryLog } from '../../kit/log.ts'
import { commandOf } from '../../kit/operations.ts'
import { closedPort } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'

const root = mkdtempSync(join(tmpdir(), 'sluice-gateway-'))
const gateways: Gateway[] = []
const notices: string[] = []

afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.drain('sigint')
  notices.length = 0
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const endpoint = (host: string, port = 8080): EndpointConfig => ({
  scheme: 'http',
  host,
  port,
  weight: 1,
  tier: 0,
  zone: undefined,
  maxConcurrent: undefined,
})

function configOf(over: Partial<Config> = {}, ...endpoints: EndpointConfig[]): Config {
  const upstream = {
    name: 'orders',
    endpoints,
    balancing: { algorithm: 'round-robin', sticky: undefined },
    connections: { keepAlive: 4000 },
    features: {},
    tls: { serverName: undefined },
  }
  return {
    lean: {
      ...HEAD,
      gateway: { name: 'edge' },
      listeners: [{ name: 'web', host: '127.0.0.1', port: 0 } as Config['lean']['listeners'][0]],
      upstreams: [upstream as unknown as UpstreamConfig],
      routes: [
        {
          name: 'orders',
          alternates: [],
          reach: {},
          features: {},
          accessLog: { sample: 1 },
        } as unknown as Config['lean']['routes'][0],
      ],
    },
    workers: 2,
    earlyCollection: true,
    secrets: [],
    admin: { host: '127.0.0.1', port: 0, hosts: [], tokens: undefined, proxy: undefined },
    probes: { host: '127.0.0.1', port: 0 },
    drain: { delay: 300, timeout: 2_000 },
    logging: { level: 'info', audit: 'best-effort' },
    dns: { servers: undefined, every: 50 },
    folder: root,
    plugins: [],
    reads: [join(import.meta.dirname, '../../kit')],
    stateDir: root,
    watch: undefined,
    telemetry: { service: 'edge', spans: undefined, metrics: undefined },
    hash: 'abc123',
    file: join(root, 'sluice.yaml'),
    ...over,
  }
}

class Rig {
  readonly log = memoryLog()
  readonly gateway: Gateway
  facts!: StartedFacts
  readonly commands: unknown[] = []
  logsStopped = 0

  constructor(config: Config, entry = 'good') {
    this.gateway = new Gateway(config, {
      version: '1.2.3',
      features: FEATURES,
      plugins: [],
      clock: systemClock,
      random: systemRandom(),
      log: this.log,
      notice: (line) => notices.push(line),
      env: { CI_TOKEN: 'from-env', EMPTY: ' ' },
      home: root,
      machine: { cores: 2, memory: 2 ** 33, memoryLimit: 0, files: 1e6 },
      startWorker: inThreads(new URL(`../../kit/workers/${entry}.ts`, import.meta.url)),
      startLogs: () => ({ stop: async () => void this.logsStopped++ }),
      operations: [
        commandOf('demo/faults', async (body) => this.commands.push(body), {
          takes: { body: object({ down: optional(boolean(), 'It is.') }) },
        }),
      ],
      reload: undefined,
      testHooks: true,
    })
    gateways.push(this.gateway)
  }

  async up(): Promise<this> {
    this.facts = await this.gateway.start()
    return this
  }

  get web(): string {
    return `http://127.0.0.1:${this.facts.listeners[0]?.port}`
  }

  get admin(): string {
    return `http://127.0.0.1:${this.facts.admin.port}`
  }

  async probe(name: string): Promise<{ status: number; reasons: string[]; notes: string[] }> {
    const response = await fetch(`http://127.0.0.1:${this.facts.probes?.port}/${name}`)
    return { ...((await response.json()) as { reasons: string[]; notes: string[] }), status: response.status }
  }

  // biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes
  async status(): Promise<any> {
    return (await fetch(`${this.admin}/api/v1/status`)).json()
  }

  async addresses(): Promise<string[]> {
    return ((await (await fetch(this.web)).json()) as { addresses: string[] }).addresses
  }
}

describe('a running gateway', () => {
  test('serves, answers probes, shows its state and its metrics', async () => {
    const rig = await new Rig(configOf({}, endpoint('10.0.0.1'))).up()
    expect(rig.facts).toMatchObject({ workers: 2, workersBound: 'configured' })
    expect((await fetch(rig.web)).status).toBe(200)
    for (const probe of ['startupz', 'livez', 'readyz']) {
      expect(await rig.probe(probe)).toEqual({ status: 200, reasons: [], notes: [] })
    }
    expect(await rig.status()).toMatchObject({
      version: '1.2.3',
      gateway: 'edge',
      generation: 1,
      config: { hash: 'abc123' },
      drain: 'serving',
      workers: [
        { worker: 0, state: 'serving', restarts: 0, generation: 1 },
        { worker: 1, state: 'serving', restarts: 0, generation: 1 },
      ],
      listeners: [{ name: 'web', host: '127.0.0.1', port: rig.facts.listeners[0]?.port }],
      upstreams: [{ name: 'orders', endpoints: [{ id: 'http://10.0.0.1:8080', state: 'usable', inFlight: 0 }] }],
    })
    const metrics = await (await fetch(`${rig.admin}/metrics`)).text()
    expect(metrics).toContain('sluice_build_info{version="1.2.3"')
    expect(metrics).toContain('sluice_config_info{hash="abc123"} 1')
    expect(metrics).toContain('sluice_requests_in_flight{route="orders"} 0')
    expect(metrics).toContain('sluice_upstream_endpoints{upstream="orders",state="usable"} 1')
  })

  test('the kept token runs commands', async () => {
    const rig = await new Rig(configOf()).up()
    const token = readFileSync(rig.facts.tokenFile!, 'utf8').trim()
    const post = (authorization: string) =>
      fetch(`${rig.admin}/api/v1/demo/faults`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization },
        body: '{"down":true}',
      })
    expect((await post('Bearer wrong')).status).toBe(401)
    expect((await post(`Bearer ${token}`)).status).toBe(200)
    expect(rig.commands).toEqual([{ down: true }])
    expect(notices).toEqual([])
    expect(JSON.stringify(rig.log.lines)).not.toContain(token)
  })

  test('with admin.auth reading, too, takes a token; its secrets come from files and the environment', async () => {
    writeFileSync(join(root, 'secret'), 'from-a-file\n')
    const tokens = [
      { name: 'eye', role: 'viewer', secret: new Secret('a', { file: 'secret' }, undefined) },
      { name: 'ci', role: 'operator', secret: new Secret('b', { env: 'CI_TOKEN' }, undefined) },
    ] as const
    const rig = await new Rig(
      configOf({ admin: { host: '127.0.0.1', port: 0, hosts: [], tokens, proxy: undefined } }),
    ).up()
    const get = async (token: string) =>
      (await fetch(`${rig.admin}/api/v1/status`, { headers: { authorization: `Bearer ${token}` } })).status
    expect([await get('from-a-file'), await get('from-env'), await get('x'), await get('')]).toEqual([
      200, 200, 401, 401,
    ])
    expect((await fetch(`${rig.admin}/metrics`)).status).toBe(401)
    expect((await fetch(`${rig.admin}/livez`)).status).toBe(200)
    expect(rig.facts.tokenFile).toBeUndefined()
  })

  test('no place for state: it starts, warns and tells the token once', async () => {
    const rig = await new Rig(configOf({ stateDir: '/dev/null/state' })).up()
    expect(rig.facts.tokenFile).toBeUndefined()
    expect(notices).toHaveLength(1)
    expect(rig.log.lines.map(({ level, message }) => [level, message])).toContainEqual([
      'warn',
      'the state directory cannot be used',
    ])
  })
})

describe('what cannot start', () => {
  test.each(['listeners.web.listen', 'admin.listen', 'probes.listen'])('a busy port: %s', async (key) => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const config = configOf()
    const busy = { host: '127.0.0.1', port }
    const over =
      key === 'admin.listen'
        ? { admin: { ...config.admin, port } }
        : key === 'probes.listen'
          ? { probes: busy }
          : { lean: { ...config.lean, listeners: [{ ...config.lean.listeners[0]!, port }] } }
    const rig = new Rig({ ...config, ...over })
    await expect(rig.gateway.start()).rejects.toThrow(
      `${key}: cannot listen on 127.0.0.1:${port}: port ${port} is in use; change ${key}`,
    )
    server.close()
  })

  test.each([{ file: 'nowhere' }, { env: 'EMPTY' }, { env: 'UNSET' }])(
    'a secret that is not there: %j',
    async (source) => {
      const secret = new Secret('admin.auth.tokens[0].secret', source as SecretSource, undefined)
      const tokens = [{ name: 'ci', role: 'admin', secret } as const]
      const admin = { host: '127.0.0.1', port: 0, hosts: [], tokens, proxy: undefined }
      await expect(new Rig(configOf({ admin })).gateway.start()).rejects.toThrow(
        'admin.auth.tokens[0].secret: the secret is not there or empty',
      )
    },
  )

  test('a worker that cannot start', async () => {
    const rig = new Rig(configOf(), 'throwing')
    await expect(rig.gateway.start()).rejects.toThrow('broken entry')
    expect(rig.logsStopped).toBeGreaterThan(0)
  })
})

describe('names', () => {
  test('are resolved by the configured servers and followed', async () => {
    const server = await dnsServer()
    server.zones.set('orders.test', { a: ['10.0.0.1', '10.0.0.2'] })
    const rig = await new Rig(configOf({ dns: { servers: [server.address], every: 50 } }, endpoint('orders.test'))).up()
    expect(await rig.addresses()).toEqual(['10.0.0.1', '10.0.0.2'])
    server.zones.set('orders.test', { aaaa: ['fd00::5'] })
    await until(async () => (await rig.addresses()).join() === 'fd00::5')
    server.zones.set('orders.test', 'servfail')
    const before = server.queries.length
    await until(() => server.queries.length > before + 6)
    expect(await rig.addresses()).toEqual(['fd00::5'])
    await server.close()
  })

  test('that do not resolve are no reason not to start; readiness notes it', async () => {
    const server = await dnsServer()
    const rig = await new Rig(configOf({ dns: { servers: [server.address], every: 50 } }, endpoint('orders.test'))).up()
    expect(await rig.probe('readyz')).toMatchObject({ status: 200, notes: ['upstreams_down'] })
    server.zones.set('orders.test', { a: ['10.0.0.1'] })
    await until(async () => (await rig.addresses()).length === 1)
    await server.close()
  })

  test('that resolve to our own admin or probe address are refused', async () => {
    const server = await dnsServer()
    server.zones.set('evil.test', { a: ['127.0.0.1', '10.0.0.1'] })
    const [admin, probes] = [await closedPort(), await closedPort()]
    const rig = await new Rig(
      configOf(
        {
          admin: { host: '127.0.0.1', port: admin, hosts: [], tokens: undefined, proxy: undefined },
          probes: { host: '127.0.0.1', port: probes },
          dns: { servers: [server.address], every: 50 },
        },
        endpoint('evil.test', admin),
        endpoint('127.0.0.1', probes),
      ),
    ).up()
    expect(await rig.addresses()).toEqual(['10.0.0.1'])
    expect(rig.log.lines.filter((line) => line.level === 'error').map((line) => line.fields.endpoint)).toEqual([
      `http://127.0.0.1:${admin}`,
      `http://127.0.0.1:${probes}`,
    ])
    await server.close()
  })
})

test('it goes on answering while all loops are blocked: not ready after 5 s, ready again after replacement', async () => {
  const rig = await new Rig(configOf({}, endpoint('10.0.0.1'))).up()
  for (const worker of [0, 1]) rig.gateway.hook(worker, 'block', 60_000)
  await until(async () => (await rig.probe('readyz')).reasons.includes('no_worker_beats'))
  expect((await rig.probe('livez')).status).toBe(200)
  expect((await rig.status()).workers.map((worker: { state: string }) => worker.state)).toEqual(['stalled', 'stalled'])
  expect((await fetch(`${rig.admin}/metrics`)).status).toBe(200)
  await until(async () => (await rig.probe('readyz')).status === 200)
  await until(async () => (await rig.probe('readyz')).notes.length === 0)
  expect((await fetch(rig.web)).status).toBe(200)
  const metrics = await (await fetch(`${rig.admin}/metrics`)).text()
  expect(metrics).toContain('sluice_worker_restarts_total{reason="hung"} 2')
})

describe('drain', () => {
  test('SIGTERM: not ready at once, open for the delay, in-flight requests get their time, exit code 0', async () => {
    const rig = await new Rig(configOf({ drain: { delay: 2_000, timeout: 30_000 } }, endpoint('10.0.0.1'))).up()
    const socket = connect(rig.facts.listeners[0]?.port as number, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write('GET /hold HTTP/1.1\r\n\r\n')
    await until(async () => (await rig.status()).upstreams[0].endpoints[0].inFlight === 1)
    const code = rig.gateway.drain('sigterm')
    expect(await rig.probe('readyz')).toMatchObject({ status: 503, reasons: ['draining'] })
    expect((await fetch(rig.web)).status).toBe(200)
    await until(async () => (await rig.status()).drain === 'leaving')
    await until(() =>
      fetch(rig.web).then(
        () => false,
        () => true,
      ),
    )
    socket.destroy()
    expect(await code).toBe(0)
    expect(rig.logsStopped).toBe(1)
    await expect(fetch(rig.admin)).rejects.toThrow()
  })

  test('what does not finish is cut', async () => {
    const rig = await new Rig(configOf({ drain: { delay: 0, timeout: 100 } }, endpoint('10.0.0.1'))).up()
    const socket = connect(rig.facts.listeners[0]?.port as number, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write('GET /hold HTTP/1.1\r\n\r\n')
    await until(async () => (await rig.status()).upstreams[0].endpoints[0].inFlight === 1)
    expect(await rig.gateway.drain('sigterm')).toBe(0)
    await until(() => socket.destroyed)
  })

  test('a blocked worker does not hold it up', async () => {
    const rig = await new Rig(configOf({ drain: { delay: 0, timeout: 100 } })).up()
    rig.gateway.hook(0, 'block', 60_000)
    expect(await rig.gateway.drain('sigterm')).toBe(0)
  })
})
