import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Sluice, startSluice, TOP } from '../kit/sluice.ts'
import { tcpConnect } from '../kit/tcp.ts'
import { until } from '../kit/until.ts'
import { seenField, type TestUpstream, testUpstream } from '../kit/upstream.ts'

let upstream: TestUpstream
let sluice: Sluice

beforeAll(async () => {
  upstream = await testUpstream((req, res) => {
    req.on('end', () =>
      res.writeHead(200, ['X-Up', '1', 'x-up', '2', 'Content-Type', 'text/plain']).end(`${req.method} ${req.url}`),
    )
  })
  sluice = await startSluice(`${TOP}
upstreams:
  app: { endpoints: ["${upstream.url}"] }
routes:
  app:
    match: { path: /app/* }
    to: app
  only-get:
    match: { path: /only-get, methods: [GET] }
    to: app
  api:
    match: { host: api.example.com, path: "/users/{id}" }
    to: app
    rewrite: { path: "/v2/people/{id}" }
  away:
    match: { path: /away }
    redirect: { host: www.example.com, status: 308 }
  robots:
    match: { path: /robots.txt }
    respond: { status: 200, headers: { content-type: text/plain }, body: "User-agent: *\\n" }
`)
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
  await upstream.close()
})

describe('a request on its way through the gateway', () => {
  test('reaches its upstream with path, query and body, and its answer comes back whole', async () => {
    const answer = await sluice.send('POST', '/app/x?a=1&b=%20', 'hello')
    expect(answer).toMatchObject({ status: 200, body: 'POST /app/x?a=1&b=%20' })
    const seen = upstream.seen.at(-1)
    expect(seen?.body.toString()).toBe('hello')
    expect(seenField(seen as never, 'host')).toBe(`127.0.0.1:${sluice.port()}`)
    expect(seenField(seen as never, 'via')).toBe('1.1 test')
    expect(seenField(seen as never, 'x-forwarded-for')).toBe('127.0.0.1')
    expect(seenField(seen as never, 'sluice-attempt')).toBe('1')
    expect(Number(seenField(seen as never, 'sluice-timeout-ms'))).toBeGreaterThan(10_000)
  })

  test('keeps duplicate fields in order on the way down', async () => {
    const client = await tcpConnect(sluice.port())
    client.send('GET /app HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    expect(await client.receiveAll()).toContain('X-Up: 1\r\nx-up: 2\r\n')
  })

  test('carries its correlation ID up, down and into the log', async () => {
    const answer = await sluice.get('/app', { 'x-request-id': 'corr-42' })
    expect(answer.headers['x-request-id']).toBe('corr-42')
    expect(answer.headers['x-correlation-id']).toBe('corr-42')
    expect(seenField(upstream.seen.at(-1) as never, 'x-correlation-id')).toBe('corr-42')
    const line = await sluice.line((entry) => entry.correlation_id === 'corr-42')
    expect(line).toMatchObject({
      route: 'app',
      upstream: 'app',
      status: 200,
      attempts: 1,
      request_id: answer.headers['sluice-request-id'],
    })
  })

  test('gets a correlation ID where it brings none, and no trace: that is what tracing makes', async () => {
    const answer = await sluice.get('/app')
    expect(answer.headers['x-correlation-id']).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
    expect(seenField(upstream.seen.at(-1) as never, 'traceparent')).toBe(undefined)
    const line = await sluice.line((entry) => entry.correlation_id === answer.headers['x-correlation-id'])
    expect(line.trace_id).toMatch(/^[0-9a-f]{32}$/)
  })

  test('HEAD has no body and keeps the length', async () => {
    expect(await sluice.send('HEAD', '/app', '')).toMatchObject({ status: 200, body: '' })
  })

  test('no route is 404, a known path with another method 405 with Allow', async () => {
    const missing = await sluice.get('/nothing')
    expect(missing.status).toBe(404)
    expect(JSON.parse(missing.body)).toMatchObject({
      reason: 'no_route',
      correlationId: missing.headers['x-correlation-id'],
    })
    expect(missing.headers['proxy-status']).toBe('test; error=destination_not_found; details="no_route"')
    const denied = await sluice.send('DELETE', '/only-get', '')
    expect(denied.status).toBe(405)
    expect(denied.headers.allow).toContain('GET')
  })

  test('hosts, parameters and rewrites', async () => {
    expect(await sluice.get('/users/7%20a?x=1', { host: 'API.example.com:80' })).toMatchObject({
      body: 'GET /v2/people/7%20a?x=1',
    })
    expect((await sluice.get('/users/7', { host: 'other.example.com' })).status).toBe(404)
  })

  test('redirects and fixed answers come without an upstream', async () => {
    const before = upstream.seen.length
    const away = await sluice.get('/away?x=1')
    expect(away).toMatchObject({ status: 308 })
    expect(away.headers.location).toBe('http://www.example.com/away?x=1')
    expect(await sluice.get('/robots.txt')).toMatchObject({ status: 200, body: 'User-agent: *\n' })
    expect(upstream.seen.length).toBe(before)
  })

  test('OPTIONS * is answered by the gateway', async () => {
    const client = await tcpConnect(sluice.port())
    client.send('OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    const text = await client.receiveAll()
    expect(text).toMatch(/^HTTP\/1.1 204 /)
    expect(text.toLowerCase()).toContain('\r\nallow: ')
  })

  test('a client that leaves ends its attempt', async () => {
    const hang = upstream.script
    upstream.script = () => {}
    const client = await tcpConnect(sluice.port())
    client.send('GET /app/left HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(
      () => upstream.seen.at(-1)?.target === '/app/left',
      () => 'the request',
    )
    client.socket.resetAndDestroy()
    await until(
      () => upstream.seen.at(-1)?.aborted === true,
      () => 'the abort',
    )
    upstream.script = hang
    const line = await sluice.line((entry) => entry.path === '/app/left')
    expect(line).toMatchObject({ status: 499, reason: 'client_gone', origin: 'client' })
  })
})
