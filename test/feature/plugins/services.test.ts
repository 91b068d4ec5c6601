import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type TestCollector, testCollector } from '../../kit/collector.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { seenField, type TestUpstream, testUpstream } from '../../kit/upstream.ts'

const plugin = (name: string): string =>
  fileURLToPath(new URL(`../../../config/examples/plugins/${name}.ts`, import.meta.url))

let app: TestUpstream
let auth: TestUpstream
let copies: TestUpstream
let sluice: Sluice
let collector: TestCollector
/** What the app says. */
let text: string
let allow: number

beforeAll(async () => {
  app = await testUpstream((req, res) => {
    req.on('end', () => res.writeHead(200, { 'cache-control': 'max-age=1' }).end(text))
  })
  auth = await testUpstream((_req, res) => {
    res.writeHead(allow, { 'x-user': 'ada', 'content-type': 'text/plain', 'www-authenticate': 'Bearer' }).end('who?')
  })
  copies = await testUpstream((req, res) => {
    req.resume()
    req.on('end', () => res.writeHead(500).end('x'.repeat(1_000_000)))
  })
  collector = await testCollector()
  sluice = await startSluice(`${TOP}
tracing: { sample: 100%, otlp: { endpoint: "${collector.url}", protocol: http/json } }
plugins: ["${plugin('external-auth')}", "${plugin('mirror')}", "${plugin('remember')}"]
upstreams:
  app: { endpoints: ["${app.url}"] }
  auth: { endpoints: ["${auth.url}"] }
  copies: { endpoints: ["${copies.url}"] }
routes:
  guarded: { match: { path: /guarded/* }, to: app, externalAuth: { upstream: auth } }
  copied: { match: { path: /copied/* }, to: app, mirror: { upstream: copies } }
  kept: { match: { path: /kept/* }, to: app, remember: { fresh: 200ms } }
`)
})

beforeEach(() => {
  text = 'hello'
  allow = 200
  for (const upstream of [app, auth, copies]) upstream.seen.length = 0
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
  for (const server of [app, auth, copies, collector]) await server.close()
})

describe('external authorisation', () => {
  test('asks with the credentials of the request, and tells the upstream who it is', async () => {
    const headers = { authorization: 'Bearer a', 'x-correlation-id': 'c-1' }
    expect(await sluice.get('/guarded/1?a=b', headers)).toMatchObject({ status: 200, body: 'hello' })
    const [question] = auth.seen
    expect(question).toMatchObject({ method: 'GET', target: '/check' })
    expect(seenField(question as never, 'authorization')).toBe('Bearer a')
    expect(seenField(question as never, 'x-original-path')).toBe('/guarded/1?a=b')
    expect(seenField(question as never, 'x-correlation-id')).toBe('c-1')
    expect(seenField(app.seen[0] as never, 'x-user')).toBe('ada')
  })

  test('has a line of its own, which names the request, and series of its own', async () => {
    const { headers } = await sluice.get('/guarded/1')
    const id = headers['sluice-request-id']
    const line = await sluice.line(({ parent }) => parent === id)
    expect(line).toMatchObject({ kind: 'call', feature: 'externalAuth', upstream: 'auth', status: 200, path: '/check' })
    expect(line).not.toHaveProperty('route')
    await sluice.shows(
      /sluice_side_requests_total\{feature="externalAuth",kind="call",to="auth",status="200",reason="-"\} [1-9]/,
      /sluice_side_request_duration_seconds_count\{feature="externalAuth",kind="call",to="auth"\} [1-9]/,
    )
    expect((await sluice.probe('/metrics')).body).not.toContain('route="-",method="GET",status="200"')
  })

  test('stands in the trace of the request, with its own attempt, which the service continues', async () => {
    await sluice.get('/guarded/1', { 'x-correlation-id': 'c-traced' })
    const { trace_id } = await sluice.line(
      ({ correlation_id, kind }) => correlation_id === 'c-traced' && kind === undefined,
    )
    const spans = await collector.trace(String(trace_id), 4)
    const server = spans.find(({ kind }) => kind === 'server')
    const own = spans.find(({ kind }) => kind === 'internal')
    const attempt = spans.find(({ kind, parentId }) => kind === 'client' && parentId === own?.spanId)
    expect(own).toMatchObject({ name: 'call externalAuth', parentId: server?.spanId })
    expect(own?.facts).toMatchObject({ 'sluice.feature': 'externalAuth', 'sluice.correlation_id': 'c-traced' })
    expect(attempt?.facts['sluice.upstream']).toBe('auth')
    expect(seenField(auth.seen[0] as never, 'traceparent')).toContain(`${trace_id}-${attempt?.spanId}`)
  })

  test('401 and 403 go to the client as they are', async () => {
    allow = 401
    const answer = await sluice.get('/guarded/1')
    expect(answer).toMatchObject({ status: 401, body: 'who?' })
    expect(answer.headers['www-authenticate']).toBe('Bearer')
    expect(app.seen).toHaveLength(0)
  })

  test('a service that is down is told in the story of the request, and its breaker opens', async () => {
    allow = 503
    const failed = await sluice.get('/guarded/1')
    expect([failed.status, JSON.parse(failed.body).reason]).toEqual([503, 'upstream_error'])
    const id = failed.headers['sluice-request-id']
    await until(async () => (await sluice.admin(`/api/v1/requests/${id}`)).status === 200)
    const story = (await sluice.admin(`/api/v1/requests/${id}`)).body
    expect(story).toMatch(/call of externalAuth to auth: 503 after [\d.]+ ms/)
    await until(async () => JSON.parse((await sluice.get('/guarded/1')).body).reason === 'breaker_open')
    expect(sluice.stderr).toContain('a worker refuses what a feature asks an upstream')
    expect(app.seen).toHaveLength(0)
  })
})

describe('a mirror', () => {
  test('gets a copy of head and body; its answer goes nowhere', async () => {
    // No more than may wait: a mirror that is slower than the service is given up.
    const body = 'x'.repeat(250_000)
    expect(await sluice.send('PUT', '/copied/1', body, { 'x-a': 'b' })).toMatchObject({ status: 200, body: 'hello' })
    await until(() => copies.seen[0]?.ended === true)
    expect(copies.seen[0]).toMatchObject({ method: 'PUT', target: '/copied/1' })
    expect(copies.seen[0]?.body.length).toBe(body.length)
    expect(seenField(copies.seen[0] as never, 'x-a')).toBe('b')
    await sluice.shows(/sluice_side_requests_total\{feature="mirror",kind="stream",to="copies",/)
  })

  test('and of requests without a body', async () => {
    expect(await sluice.get('/copied/1')).toMatchObject({ status: 200 })
    await until(() => copies.seen.length === 1)
  })

  test('that does not read holds up no request, and is given up', async () => {
    copies.script = (req) => void req.pause()
    // More than the buffers of sockets take.
    const body = 'x'.repeat(32_000_000)
    expect(await sluice.send('PUT', '/copied/1', body)).toMatchObject({ status: 200 })
    expect(app.seen[0]?.body.length).toBe(body.length)
    await sluice.shows(
      /sluice_side_requests_total\{feature="mirror",kind="stream",to="copies",status="\d+",reason="client_gone"\} 1/,
    )
  })
})

describe('a memory', () => {
  test('asks once for many, gives stale answers while it refreshes them, and counts no request for that', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => sluice.get('/kept/1')))
    expect(answers.map(({ body }) => body)).toEqual(Array(20).fill('hello'))
    const asked = app.seen.length
    // One for each worker.
    expect(asked).toBeLessThanOrEqual(2)
    text = 'again'
    let sent = answers.length
    const refreshed = async (): Promise<boolean> => {
      sent++
      return (await sluice.get('/kept/1', { 'if-none-match': '"a"' })).body === 'again'
    }
    await until(refreshed)
    expect(app.seen.some((request) => seenField(request, 'if-none-match') !== undefined)).toBe(false)
    const line = await sluice.line(({ kind }) => kind === 'fork')
    expect(line).toMatchObject({ feature: 'remember', route: 'kept', upstream: 'app', status: 200 })
    await sluice.shows(
      /sluice_side_requests_total\{feature="remember",kind="fork",to="kept",status="200",reason="-"\} [1-9]/,
      `sluice_requests_total{route="kept",method="GET",status="200",reason="-"} ${sent}`,
    )
  })
})
