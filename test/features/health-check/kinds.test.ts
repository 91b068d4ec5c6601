import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createSecureServer, createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Target, TlsTarget } from '../../../src/core/transport.ts'
import type { CheckResult } from '../../../src/features/health-check/control/check.ts'
import { healthChecks } from '../../../src/features/health-check/control/checks.ts'
import type { HealthCheckOptions } from '../../../src/features/health-check/keys.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { HEALTH_CHECK } from '../../kit/lean.ts'
import { closedPort, tcpServer } from '../../kit/tcp.ts'
import { testAuthority } from '../../kit/tls.ts'
import { until } from '../../kit/until.ts'
import { type Script, testUpstream } from '../../kit/upstream.ts'

const checks = healthChecks(systemClock)
const ends: (() => Promise<unknown> | unknown)[] = []

afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

/** What one check comes to; `silent`: it never ended by itself, and was cancelled. */
function check(port: number, config: Partial<HealthCheckOptions>, tls?: TlsTarget): Promise<CheckResult | 'silent'> {
  return checkAt({ address: '127.0.0.1', port, tls }, config)
}

function checkAt(target: Target, config: Partial<HealthCheckOptions>): Promise<CheckResult | 'silent'> {
  const whole = { ...HEALTH_CHECK, ...config }
  return new Promise((resolve) => {
    const request = { target, authority: 'orders.internal', config: whole }
    const cancel = checks[whole.type](request, (result) => {
      systemClock.cancel(late)
      resolve(result)
    })
    const late = systemClock.after(whole.timeout, () => {
      cancel()
      resolve('silent')
    })
  })
}

async function server(script: Script): Promise<number> {
  const upstream = await testUpstream(script)
  ends.push(() => upstream.close())
  return upstream.port
}

const inTwo: Script = (_req, res) => {
  res.write('x rea')
  res.end('dy: yes')
}

const interim: Script = (_req, res) => {
  res.writeProcessing()
  res.end()
}

describe('http', () => {
  test.each<[string, Partial<HealthCheckOptions>, Script, string]>([
    [
      'a status that is expected',
      { status: [{ from: 300, to: 399 }] },
      (_, res) => void res.writeHead(302).end(),
      'ok',
    ],
    ['one that is not', { status: [{ from: 204, to: 204 }] }, (_, res) => void res.writeHead(200).end(), 'status'],
    ['a body that is expected', { body: 'ready: yes' }, (_, res) => void res.end('x ready: yes y'), 'ok'],
    ['one in two parts', { body: 'ready: yes' }, inTwo, 'ok'],
    ['one that is not', { body: 'ready: yes' }, (_, res) => void res.end('ready: no'), 'body'],
    ['one that comes too late', { body: 'ready' }, (_, res) => void res.end(`${'x'.repeat(65_536)}ready`), 'body'],
    ['a body without end', {}, (_, res) => endless(res), 'ok'],
    ['an answer to HEAD', { method: 'HEAD' }, (_, res) => void res.writeHead(200, { 'content-length': 9 }).end(), 'ok'],
    ['interim answers', {}, interim, 'ok'],
    ['no answer', { timeout: 200 }, () => {}, 'silent'],
    ['half an answer', { timeout: 200 }, (_, res) => void res.writeHead(200).write('x'), 'silent'],
    ['a connection that breaks', {}, (_, res) => void res.destroy(), 'reset'],
  ])('%s', async (_, config, script, expected) => {
    expect(await check(await server(script), config)).toBe(expected)
  })

  test('a closed port', async () => {
    expect(await check(await closedPort(), {})).toBe('refused')
  })

  test('garbage', async () => {
    const raw = await tcpServer((peer) => void peer.receive('\r\n\r\n').then(() => peer.end('nonsense\r\n\r\n')))
    ends.push(() => raw.close())
    expect(await check(raw.port, {})).toBe('bad_response')
  })

  test('leaves no connection behind', async () => {
    const upstream = await testUpstream((_req, res) => void res.end())
    ends.push(() => upstream.close())
    for (let i = 0; i < 5; i++) expect(await check(upstream.port, {})).toBe('ok')
    await until(() => upstream.accepted === 5 && upstream.sockets.size === 0)
  })
})

function endless(res: Parameters<Script>[1]): void {
  const more = (): void => {
    while (!res.destroyed && res.write(Buffer.alloc(16_384)));
  }
  res.on('drain', more)
  more()
}

describe('https endpoints: as strict as requests are', () => {
  test.each<[HealthCheckOptions['type'], string, string]>([
    ['http', 'orders.internal', 'ok'],
    ['http', 'other.internal', 'tls'],
    ['tcp', 'orders.internal', 'ok'],
    ['tcp', 'other.internal', 'tls'],
    ['grpc', 'other.internal', 'tls'],
  ])('%s to %s is %s', async (type, serverName, expected) => {
    const authority = testAuthority()
    const secure = await testUpstream((_req, res) => void res.end(), authority.issue('orders.internal'))
    ends.push(() => secure.close())
    const tls = { serverName, ca: authority.ca, cert: undefined, key: undefined, verify: true }
    expect(await check(secure.port, { type }, tls)).toBe(expected)
  })

  test('a server without TLS', async () => {
    const port = await server((_req, res) => void res.end())
    const tls = { serverName: 'a.test', ca: undefined, cert: undefined, key: undefined, verify: false }
    expect(await check(port, { type: 'http' }, tls)).toBe('tls')
    expect(await check(port, { type: 'tcp' }, tls)).toBe('tls')
  })
})

describe('grpc', () => {
  async function listen(h2: Http2Server): Promise<number> {
    h2.listen(0, '127.0.0.1')
    await once(h2, 'listening')
    ends.push(() => void h2.close())
    return (h2.address() as AddressInfo).port
  }

  /** `answer` gets the service that was asked about. */
  function grpc(answer: (stream: ServerHttp2Stream, service: string) => void): Promise<number> {
    const h2 = createServer()
    h2.on('stream', (stream: ServerHttp2Stream, headers) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('error', () => {})
      stream.on('end', () => {
        const asked = `${headers[':method']} ${headers[':authority']}${headers[':path']}`
        const right = asked === 'POST orders.internal/grpc.health.v1.Health/Check' && headers.te === 'trailers'
        if (right) answer(stream, Buffer.concat(chunks).subarray(7).toString())
        else stream.respond({ ':status': 400 }, { endStream: true })
      })
    })
    return listen(h2)
  }

  function reply(stream: ServerHttp2Stream, status: number, grpcStatus = '0'): void {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': grpcStatus }))
    stream.end(Buffer.from([0, 0, 0, 0, 2, 8, status]))
  }

  const head = (stream: ServerHttp2Stream, fields: Record<string, string | number>): void =>
    stream.respond(fields, { endStream: true })

  test.each<[string, (stream: ServerHttp2Stream) => void, string]>([
    ['SERVING', (stream) => reply(stream, 1), 'ok'],
    ['NOT_SERVING', (stream) => reply(stream, 2), 'not_serving'],
    ['an error of gRPC', (stream) => reply(stream, 1, '12'), 'status'],
    ['an error in the head', (stream) => head(stream, { ':status': 200, 'grpc-status': '5' }), 'status'],
    ['an error of HTTP', (stream) => head(stream, { ':status': 404 }), 'status'],
    ['no grpc-status', (stream) => head(stream, { ':status': 200 }), 'bad_response'],
    ['no message', (stream) => head(stream, { ':status': 200, 'grpc-status': '0' }), 'bad_response'],
    ['a broken stream', (stream) => stream.close(8), 'reset'],
    ['a broken connection', (stream) => stream.session?.destroy(), 'reset'],
    ['silence', () => {}, 'silent'],
  ])('%s', async (_, answer, expected) => {
    const timeout = expected === 'silent' ? 200 : 5000
    expect(await check(await grpc(answer), { type: 'grpc', timeout })).toBe(expected)
  })

  test('the service is asked about', async () => {
    const services: string[] = []
    const port = await grpc((stream, service) => {
      services.push(service)
      reply(stream, 1)
    })
    expect(await check(port, { type: 'grpc', service: 'shop.Orders' })).toBe('ok')
    expect(services).toEqual(['shop.Orders'])
  })

  test('over TLS', async () => {
    const authority = testAuthority()
    const h2 = createSecureServer({ ...authority.issue('orders.internal') })
    h2.on('stream', (stream: ServerHttp2Stream) => reply(stream, 1))
    const port = await listen(h2)
    const tls = { serverName: 'orders.internal', ca: authority.ca, cert: undefined, key: undefined, verify: true }
    expect(await check(port, { type: 'grpc' }, tls)).toBe('ok')
  })

  test('over a socket with a path, and where there is none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-check-'))
    ends.push(() => rm(folder, { recursive: true }))
    const target = { address: `unix:${folder}/grpc.sock`, port: 0, tls: undefined }
    expect(await checkAt(target, { type: 'grpc' })).toBe('refused')
    const h2 = createServer()
    h2.on('stream', (stream: ServerHttp2Stream) => reply(stream, 1))
    ends.push(() => h2.close())
    h2.listen(`${folder}/grpc.sock`)
    await once(h2, 'listening')
    expect(await checkAt(target, { type: 'grpc' })).toBe('ok')
  })

  test('a server of HTTP/1.1, and none', async () => {
    expect(await check(await server((_req, res) => void res.end()), { type: 'grpc' })).toBe('bad_response')
    expect(await check(await closedPort(), { type: 'grpc' })).toBe('refused')
  })
})
