import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { closedPort } from '../../kit/tcp.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

/** Bytes: more than Sluice keeps of any answer. */
const LARGE = 8_000_000

let shaky: TestUpstream
let cached: TestUpstream
let sluice: Sluice
let status: number

beforeAll(async () => {
  shaky = await testUpstream((_req, res) => void res.writeHead(status, { 'x-from': 'shaky' }).end('shaky'))
  cached = await testUpstream((req, res) => {
    res.writeHead(200, { 'x-from': 'cached', 'x-correlation-id': 'theirs' })
    res.end(req.url === '/other/large' ? 'x'.repeat(LARGE) : 'cached')
  })
  sluice = await startSluice(`${TOP}
upstreams:
  shaky: { endpoints: ["${shaky.url}"] }
  cached: { endpoints: ["${cached.url}"] }
  dead: { endpoints: ["http://127.0.0.1:${await closedPort()}"] }
defaults: { route: { retries: off, circuitBreaker: off } }
routes:
  fixed:
    match: { path: /fixed }
    to: shaky
    fallback: { headers: { content-type: application/json }, body: '{"orders":[]}' }
  dead: { match: { path: /dead }, to: dead, fallback: { status: 203, body: later } }
  picky: { match: { path: /picky }, to: shaky, fallback: { when: 500, status: 404 } }
  post: { match: { path: /post }, to: dead, fallback: { methods: [POST], status: 429, body: "come again" } }
  other: { match: { path: /other/* }, to: dead, fallback: { route: cached } }
  posted: { match: { path: /posted/* }, to: dead, fallback: { methods: POST, route: cached } }
  broken: { match: { path: /broken }, to: shaky, fallback: { route: worse } }
  worse: { match: { path: /worse }, to: dead }
  cached: { match: { path: /cached/* }, to: cached, headers: { request: { set: { x-kind: fallback } } } }
`)
})

beforeEach(() => {
  status = 503
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
  await shaky.close()
  await cached.close()
})

describe('a fixed fallback', () => {
  test('takes the place of 503, and says so', async () => {
    const answer = await sluice.get('/fixed')
    expect(answer).toMatchObject({ status: 200, body: '{"orders":[]}' })
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'sluice-degraded': 'upstream_error' })
    expect(answer.headers['x-from']).toBeUndefined()
    const line = await sluice.line(({ request_id }) => request_id === answer.headers['sluice-request-id'])
    expect(line).toMatchObject({ status: 200, upstream_status: 503, degraded: 'upstream_error' })
    await sluice.shows(/sluice_degraded_total\{route="fixed",reason="upstream_error"\} [1-9]/)
  })

  test('and of failures of ours', async () => {
    const answer = await sluice.get('/dead')
    expect(answer).toMatchObject({ status: 203, body: 'later' })
    expect(answer.headers['sluice-degraded']).toBe('connect_refused')
  })

  test('HEAD gets its head', async () => {
    const answer = await sluice.send('HEAD', '/dead', '')
    expect(answer).toMatchObject({ status: 203, body: '' })
    expect(answer.headers['content-length']).toBe('5')
  })

  test.each([200, 404, 500, 501])('%i is the upstream’s answer', async (given) => {
    status = given
    const answer = await sluice.get('/fixed')
    expect(answer).toMatchObject({ status: given, body: 'shaky' })
    expect(answer.headers['sluice-degraded']).toBeUndefined()
  })

  test('other methods get the failure', async () => {
    expect((await sluice.send('POST', '/dead', 'x')).status).toBe(502)
    expect(await sluice.send('POST', '/fixed', 'x')).toMatchObject({ status: 503, body: 'shaky' })
  })

  test('unless they are listed, with an answer that promises nothing', async () => {
    expect(await sluice.send('POST', '/post', 'x')).toMatchObject({ status: 429, body: 'come again' })
    expect((await sluice.get('/post')).status).toBe(502)
  })

  test('statuses can be listed', async () => {
    expect((await sluice.get('/picky')).status).toBe(503)
    status = 500
    expect((await sluice.get('/picky')).status).toBe(404)
  })

  test('the connection to the upstream is kept', async () => {
    const before = shaky.accepted
    for (let i = 0; i < 20; i++) await sluice.get('/fixed')
    expect(shaky.accepted - before).toBeLessThanOrEqual(2)
  })
})

describe('another route', () => {
  test('answers with its own policies; the correlation stays', async () => {
    const answer = await sluice.get('/other/7?x=1', { 'x-correlation-id': 'mine' })
    expect(answer).toMatchObject({ status: 200, body: 'cached' })
    expect(answer.headers).toMatchObject({
      'x-from': 'cached',
      'x-correlation-id': 'mine',
      'sluice-degraded': 'connect_refused',
    })
    const seen = cached.seen.at(-1)
    expect(seen).toMatchObject({ method: 'GET', target: '/other/7?x=1' })
    expect(seen?.headers.join()).toContain('x-kind,fallback')
    expect(seen?.headers.join()).toContain('x-correlation-id,mine')
    const line = await sluice.line(({ correlation_id }) => correlation_id === 'mine')
    expect(line).toMatchObject({ route: 'other', rerouted: ['cached'], upstream: 'cached', attempts: 2, status: 200 })
    expect(line).toMatchObject({ reason: 'connect_refused', degraded: 'connect_refused' })
    expect(sluice.log.filter(({ correlation_id }) => correlation_id === 'mine')).toHaveLength(1)
    await sluice.shows(/sluice_reroutes_total\{route="other",to="cached"\} [1-9]/)
  })

  test('streams an answer of any size', async () => {
    const answer = await sluice.get('/other/large')
    expect([answer.status, answer.body.length]).toEqual([200, LARGE])
  })

  test('may do what a fixed answer must not promise', async () => {
    expect(await sluice.send('POST', '/posted/7', 'x'.repeat(1_000))).toMatchObject({ status: 200, body: 'cached' })
    expect(cached.seen.at(-1)).toMatchObject({ method: 'POST', target: '/posted/7' })
  })

  test('that fails as well leaves the failure', async () => {
    const answer = await sluice.get('/broken')
    expect(answer.status).toBe(503)
    expect(JSON.parse(answer.body)).toMatchObject({ reason: 'upstream_error' })
  })
})
