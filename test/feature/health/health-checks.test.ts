import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createSecureServer, createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { closedPort, tcpServer } from '../../kit/tcp.ts'
import { testAuthority } from '../../kit/tls.ts'
import { until } from '../../kit/until.ts'
import { type Script, seenField, type TestUpstream, testUpstream } from '../../kit/upstream.ts'

let sluice: Sluice | undefined
const ends: (() => Promise<unknown> | unknown)[] = []

afterEach(async () => {
  expect(await sluice?.stop()).toBe(0)
  sluice = undefined
  for (const end of ends.splice(0)) await end()
})

const FAST = 'interval: 100ms, timeout: 2s'

async function start(endpoints: readonly string[], healthCheck: string, rest = ''): Promise<Sluice> {
  sluice = await startSluice(`${TOP}
upstreams:
  app:
    endpoints: [${endpoints.map((url) => JSON.stringify(url)).join(', ')}]
    healthCheck: { ${healthCheck} }
    ${rest}
routes:
  app: { match: { path: /* }, to: app }
`)
  return sluice
}

async function server(script: Script): Promise<TestUpstream> {
  const upstream = await testUpstream(script)
  ends.push(() => upstream.close())
  return upstream
}

/** An upstream whose health is `healthy`; other requests are answered with its name. */
async function app(name: string) {
  const state = { healthy: true, requests: 0, checks: 0 }
  const upstream = await server((req, res) => {
    const check = req.url?.startsWith('/healthz') === true
    if (check) state.checks++
    else state.requests++
    res.writeHead(check && !state.healthy ? 503 : 200).end(name)
  })
  return { ...upstream, state, url: upstream.url, upstream }
}

async function states(): Promise<string[]> {
  const { upstreams } = (await (sluice as Sluice).status()) as never as {
    upstreams: { endpoints: { state: string }[] }[]
  }
  return (upstreams[0]?.endpoints ?? []).map(({ state }) => state)
}

const reaches = (...wanted: string[]): Promise<void> =>
  until(
    async () => (await states()).join() === wanted.join(),
    10_000,
    () => `${wanted}; ${sluice?.stderr.slice(-2000)}`,
  )

const why = (): unknown => sluice?.operational.find(({ message }) => message === 'an endpoint is unhealthy')?.reason

describe('active health checks', () => {
  test('an endpoint that says no gets no requests until it says yes again', async () => {
    const [a, b] = [await app('a'), await app('b')]
    const gateway = await start([a.url, b.url], FAST)
    await until(() => a.state.checks > 0 && b.state.checks > 0)
    b.state.healthy = false
    await reaches('usable', 'unhealthy')
    const before = b.state.requests
    for (let i = 0; i < 20; i++) expect((await gateway.get('/')).body).toBe('a')
    expect(b.state.requests).toBe(before)
    expect(gateway.operational).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        message: 'an endpoint is unhealthy',
        upstream: 'app',
        endpoint: b.url,
        reason: 'status',
        detail: '503',
      }),
    )
    b.state.healthy = true
    await reaches('usable', 'usable')
    await until(async () => (await gateway.get('/')).body === 'b')
    const { body } = await gateway.probe('/metrics')
    expect(body).toMatch(/sluice_health_checks_total\{upstream="app",result="ok"\} [1-9]/)
    expect(body).toMatch(/sluice_health_checks_total\{upstream="app",result="status"\} [3-9]/)
    expect(body).toContain('sluice_upstream_endpoints{upstream="app",state="usable"} 2')
    expect(gateway.operational).toContainEqual(
      expect.objectContaining({ level: 'info', message: 'an endpoint is healthy again', endpoint: b.url }),
    )
  })

  test('requests in flight at an endpoint that goes down finish', async () => {
    let healthy = true
    let finish: (() => void) | undefined
    const a = await server((req, res) => {
      if (req.url === '/healthz') res.writeHead(healthy ? 200 : 500).end()
      else finish = () => res.end('late')
    })
    const b = await app('b')
    const gateway = await start([a.url, b.url], FAST)
    const answers: string[] = []
    while (finish === undefined) {
      const asked = gateway.get('/').then(({ body }) => answers.push(body))
      await Promise.race([asked, until(() => finish !== undefined)])
    }
    healthy = false
    await reaches('unhealthy', 'usable')
    finish()
    await until(() => answers.includes('late'))
  })

  test('killed endpoints are found and come back; the time without any is measured', async () => {
    const a = await app('a')
    const { port } = a.upstream
    const gateway = await start([a.url], FAST)
    await until(() => a.state.checks > 0)
    await a.upstream.close()
    await reaches('unhealthy')
    expect(why()).toBe('refused')
    expect((await gateway.probe('/readyz')).body).toContain('upstreams_down')
    await a.upstream.listen(port)
    await reaches('usable')
    await until(async () =>
      (await gateway.probe('/metrics')).body.includes('sluice_recovery_seconds_count{upstream="app"} 1'),
    )
    expect((await gateway.get('/')).body).toBe('a')
  })

  test('when all are unhealthy, requests are tried all the same', async () => {
    const [a, b] = [await app('a'), await app('b')]
    a.state.healthy = false
    b.state.healthy = false
    const gateway = await start([a.url, b.url], FAST)
    await reaches('unhealthy', 'unhealthy')
    expect((await gateway.get('/')).status).toBe(200)
  })

  test('a good check may end an ejection early', async () => {
    const [a, b] = [
      await app('a'),
      await server((req, res) => void (req.url === '/healthz' ? res : res.destroy()).end()),
    ]
    const gateway = await start(
      [a.url, b.url],
      FAST,
      'outlierDetection: { consecutiveFailures: 2, baseEjection: 5m, endOnHealthy: true }',
    )
    const said = (message: string): boolean => gateway.operational.some((line) => line.message === message)
    await until(async () => {
      await gateway.get('/')
      return said('endpoint ejected')
    }, 10_000)
    await until(() => said('endpoint is back on probation'))
  })

  test('what is asked can be chosen: path, host, method, port', async () => {
    const a = await app('a')
    const health = await server((_req, res) => void res.end())
    await start(
      [a.url],
      `${FAST}, path: "/up?deep=1", host: "health.internal:8080", method: HEAD, port: ${health.port}`,
    )
    await until(() => health.seen.length > 1)
    const [seen] = health.seen
    expect(seen).toMatchObject({ method: 'HEAD', target: '/up?deep=1' })
    expect(seen && seenField(seen, 'host')).toBe('health.internal:8080')
    expect(a.state.checks).toBe(0)
    expect(await states()).toEqual(['usable'])
  })

  test.each<[string, string, Script, string]>([
    ['a status that is expected', 'expect: { status: [204, 300-399] }', (_, res) => void res.writeHead(302).end(), ''],
    ['one that is not', 'expect: { status: 204 }', (_, res) => void res.writeHead(200).end(), 'status'],
    ['a body that is expected', 'expect: { body: "ready: yes" }', (_, res) => void res.end('x ready: yes y'), ''],
    ['one that is not', 'expect: { body: "ready: yes" }', (_, res) => void res.end('ready: no'), 'body'],
    ['a body without end', '', (_, res) => void endless(res), ''],
    ['no answer', 'timeout: 300ms', () => {}, 'timeout'],
    ['half an answer', 'timeout: 300ms', (_, res) => void res.writeHead(200).write('x'), 'timeout'],
    ['a connection that breaks', '', (_, res) => void res.destroy(), 'reset'],
  ])('%s', async (_, options, script, reason) => {
    let asked = 0
    const a = await server((req, res, seen) => {
      asked++
      script(req, res, seen)
    })
    await start(
      [a.url],
      options.includes('timeout') ? `interval: 100ms, ${options}` : `${FAST}${options && `, ${options}`}`,
    )
    await until(() => asked >= 3)
    if (reason === '') expect(await states()).toEqual(['usable'])
    else await reaches('unhealthy')
    expect(why() ?? '').toBe(reason)
  })

  test('garbage is no health', async () => {
    const raw = await tcpServer((peer) => void peer.receive('\r\n\r\n').then(() => peer.end('nonsense\r\n\r\n')))
    ends.push(() => raw.close())
    await start([`http://127.0.0.1:${raw.port}`], FAST)
    await reaches('unhealthy')
    expect(why()).toBe('bad_response')
  })

  test('tcp: a connection is enough', async () => {
    const raw = await tcpServer(() => {})
    ends.push(() => raw.close())
    const port = await closedPort()
    await start([`http://127.0.0.1:${raw.port}`, `http://127.0.0.1:${port}`], `${FAST}, type: tcp`)
    await reaches('usable', 'unhealthy')
    await until(() => raw.peers.length > 3 && raw.peers.slice(0, 3).every((peer) => peer.ended))
    expect(why()).toBe('refused')
  })
})

/** The `tls` key of an upstream that trusts this authority. */
async function trust(ca: string, serverName: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-test-'))
  ends.push(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'ca.pem'), ca)
  return `tls: { ca: { file: ${join(folder, 'ca.pem')} }, serverName: ${serverName} }`
}

describe('checks of https endpoints', () => {
  test.each([
    ['http', 'orders.internal', ''],
    ['http', 'other.internal', 'tls'],
    ['tcp', 'orders.internal', ''],
    ['tcp', 'other.internal', 'tls'],
    ['grpc', 'other.internal', 'tls'],
  ])('%s to %s: as strict as requests are', async (type, serverName, reason) => {
    const authority = testAuthority()
    const a = await testUpstream((_req, res) => void res.end(), authority.issue('orders.internal'))
    ends.push(() => a.close())
    await start([`https://127.0.0.1:${a.port}`], `${FAST}, type: ${type}`, await trust(authority.ca, serverName))
    if (reason === '') {
      await until(() => a.accepted >= 3)
      expect(await states()).toEqual(['usable'])
    } else await reaches('unhealthy')
    expect(why() ?? '').toBe(reason)
  })
})

function endless(res: Parameters<Script>[1]): void {
  const more = (): void => {
    while (!res.destroyed && res.write(Buffer.alloc(16_384)));
  }
  res.on('drain', more)
  more()
}

describe('gRPC', () => {
  /** `answer` gets the service that was asked about. */
  async function grpc(answer: (stream: ServerHttp2Stream, service: string) => void): Promise<Http2Server> {
    const h2 = createServer()
    h2.on('stream', (stream: ServerHttp2Stream, headers) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('error', () => {})
      stream.on('end', () => {
        expect(headers[':path']).toBe('/grpc.health.v1.Health/Check')
        answer(stream, Buffer.concat(chunks).subarray(7).toString())
      })
    })
    h2.listen(0, '127.0.0.1')
    await until(() => h2.listening)
    ends.push(() => void h2.close())
    return h2
  }

  function reply(stream: ServerHttp2Stream, status: number, grpcStatus = '0'): void {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': grpcStatus }))
    stream.end(Buffer.from([0, 0, 0, 0, 2, 8, status]))
  }

  const url = (h2: Http2Server): string => `http://127.0.0.1:${(h2.address() as AddressInfo).port}`

  test('SERVING is healthy, and the service is asked for', async () => {
    const services: string[] = []
    const h2 = await grpc((stream, service) => {
      services.push(service)
      reply(stream, 1)
    })
    await start([url(h2)], `${FAST}, type: grpc, service: shop.Orders`)
    await until(() => services.length >= 3)
    expect(new Set(services)).toEqual(new Set(['shop.Orders']))
    expect(await states()).toEqual(['usable'])
    expect(why()).toBeUndefined()
  })

  test.each<[string, (stream: ServerHttp2Stream) => void, string]>([
    ['NOT_SERVING', (stream) => reply(stream, 2), 'not_serving'],
    ['an error of gRPC', (stream) => reply(stream, 1, '12'), 'status'],
    [
      'an error in the head',
      (stream) => stream.respond({ ':status': 200, 'grpc-status': '5' }, { endStream: true }),
      'status',
    ],
    ['an error of HTTP', (stream) => stream.respond({ ':status': 404 }, { endStream: true }), 'status'],
    ['a broken stream', (stream) => stream.close(8), 'reset'],
    ['silence', () => {}, 'timeout'],
  ])('%s is not', async (_, answer, reason) => {
    const h2 = await grpc(answer)
    await start([url(h2)], `interval: 100ms, timeout: ${reason === 'timeout' ? '300ms' : '2s'}, type: grpc`)
    await reaches('unhealthy')
    expect(why()).toBe(reason)
  })

  test('over TLS, too', async () => {
    const authority = testAuthority()
    const h2 = createSecureServer({ ...authority.issue('orders.internal') })
    let asked = 0
    h2.on('stream', (stream: ServerHttp2Stream) => {
      asked++
      reply(stream, 1)
    })
    h2.listen(0, '127.0.0.1')
    await until(() => h2.listening)
    ends.push(() => void h2.close())
    const endpoint = `https://127.0.0.1:${(h2.address() as AddressInfo).port}`
    await start([endpoint], `${FAST}, type: grpc`, await trust(authority.ca, 'orders.internal'))
    await until(() => asked >= 3)
    expect(await states()).toEqual(['usable'])
    expect(why()).toBeUndefined()
  })

  test('nor is a server that speaks something else, or none', async () => {
    const web = await app('web')
    const port = await closedPort()
    await start([web.url, `http://127.0.0.1:${port}`], `${FAST}, type: grpc`)
    await reaches('unhealthy', 'unhealthy')
  })
})
