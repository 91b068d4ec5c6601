import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Flight, FlightSummary, Happening } from '../../../src/core/flight.ts'
import { field, httpClient } from '../../kit/client.ts'
import { type Answer, type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { closedPort, tcpServer } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'
import { type Ended, sluice as run } from '../cli/cli.ts'

const CLI = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url))

/** Far above what a request takes by itself on a busy machine. */
const SLOW_MS = 800

let upstream: TestUpstream
let silent: Awaited<ReturnType<typeof tcpServer>>
let gateway: Sluice
/** Answers that wait for the test. */
const held: (() => void)[] = []

beforeAll(async () => {
  upstream = await testUpstream((req, res) => {
    if (req.url?.startsWith('/fail') === true) res.writeHead(503)
    if (req.url?.startsWith('/held') === true) held.push(() => res.end('late'))
    else if (req.url?.startsWith('/slow') === true) setTimeout(() => res.end('late'), SLOW_MS + 100)
    else res.end('ok')
  })
  silent = await tcpServer()
  const refusing = `http://127.0.0.1:${await closedPort()}`
  gateway = await startSluice(`${TOP}
trust: { proxies: [127.0.0.0/8] }
flightRecorder: { slow: ${SLOW_MS}ms }
upstreams:
  app: { endpoints: ["${upstream.url}"] }
  gone: { endpoints: ["${refusing}"] }
  broken: { endpoints: ["${refusing}"] }
  stingy: { endpoints: ["${refusing}"], retryBudget: { percent: 0%, minRetryRate: { count: 0 } } }
  silent: { endpoints: ["http://127.0.0.1:${silent.port}"] }
routes:
  fine: { match: { path: /fine }, to: app }
  slow: { match: { path: /slow }, to: app }
  fail: { match: { path: /fail, query: { id: { present: true } } }, to: app, retries: { maxExtra: 1, when: [503] } }
  failover: { match: { path: /over }, to: gone, failover: [app] }
  open:
    match: { path: /open }
    to: broken
    retries: off
    circuitBreaker: { minRequests: 1, openFor: 60s }
  stingy: { match: { path: /stingy }, to: stingy, retries: { maxExtra: 2, when: [connect] } }
  fallen: { match: { path: /fallen }, to: gone, retries: off, fallback: { body: instead } }
  deadline: { match: { path: /deadline }, to: silent, retries: off, timeouts: { request: 200ms } }
  held:
    match: { path: /held }
    to: app
    bulkhead: { maxConcurrent: 1, queue: { size: 1, maxWait: 50ms } }
`)
})

afterAll(async () => {
  expect(await gateway?.stop()).toBe(0)
  await upstream?.close()
  await silent?.close()
})

const idOf = ({ headers }: Answer): string => headers['sluice-request-id'] as string

async function api<T>(path: string): Promise<T> {
  return JSON.parse((await gateway.admin(`/api/v1/${path}`)).body) as T
}

/** The story of the request that got this answer. */
async function flightOf(answer: Answer): Promise<Flight> {
  const path = `/api/v1/requests/${idOf(answer)}`
  await until(async () => (await gateway.admin(path)).status === 200, `the story of ${answer.status}`)
  const { requests } = await api<{ requests: Flight[] }>(`requests/${idOf(answer)}`)
  expect(requests).toHaveLength(1)
  return requests[0] as Flight
}

const kinds = ({ timeline }: Flight): string[] => timeline.map(({ kind }) => kind)
const one = <K extends Happening['kind']>({ timeline }: Flight, kind: K): Extract<Happening, { kind: K }> =>
  timeline.find((event) => event.kind === kind) as Extract<Happening, { kind: K }>

const ofUser = (): Record<string, string> => ({ XDG_STATE_HOME: join(gateway.folder, 'state') })

/** A command against the gateway, as its user. */
const sluice = (...args: string[]): Promise<Ended> =>
  run(gateway.folder, [...args, '--admin', `http://127.0.0.1:${gateway.adminPort}`], ofUser())

describe('the story of a request', () => {
  test('attempts, one after another, until none may follow; what is secret is masked', async () => {
    const flight = await flightOf(await gateway.get('/fail?id=1&token=secret', { 'x-correlation-id': 'mine' }))
    expect(flight).toMatchObject({ route: 'fail', status: 503, reason: null, why: 'failed', attempts: 2 })
    expect(flight).toMatchObject({ correlationId: 'mine', listener: 'web', method: 'GET', query: '?id=1&token=***' })
    expect(kinds(flight)).toEqual(['received', 'attempt', 'attempt', 'decided', 'headers', 'ended'])
    const attempts = flight.timeline.filter((event) => event.kind === 'attempt')
    expect(attempts).toMatchObject([
      { n: 1, upstream: 'app', endpoint: upstream.url, outcome: '503', status: 503 },
      { n: 2, upstream: 'app', endpoint: upstream.url, outcome: '503', status: 503 },
    ])
    expect(one(flight, 'decided')).toMatchObject({ decision: 'no_retry', facts: { because: 'attempts' } })
    expect(flight.timeline.map(({ atMs }) => atMs)).toEqual(
      flight.timeline.map(({ atMs }) => atMs).sort((a, b) => a - b),
    )
  })

  test('an open breaker, without an attempt', async () => {
    const first = await flightOf(await gateway.get('/open'))
    expect(first).toMatchObject({ reason: 'connect_refused', phase: 'connect', origin: 'upstream', attempts: 1 })
    const flight = await flightOf(await gateway.get('/open'))
    expect(kinds(flight)).toEqual(['received', 'refused', 'failed', 'headers', 'ended'])
    expect(one(flight, 'refused')).toMatchObject({
      policy: 'circuitBreaker',
      reason: 'breaker_open',
      upstream: 'broken',
      text: 'the circuit breaker of broken lets no attempt pass: it is open, or on probation',
    })
  })

  test('what never became a request', async () => {
    const client = await httpClient(gateway.port())
    client.send('GET /a/s3cret-free?key=s3cret HTTP/1.1\r\nHost: Shop.test\r\nX-Token : s3cret\r\n\r\n')
    const answer = await client.answer()
    const headers = Object.fromEntries(
      ['date', 'proxy-status', 'x-correlation-id', 'sluice-request-id', 'content-type', 'connection'].map((name) => [
        name,
        field(answer, name) as string,
      ]),
    )
    expect(client.peer.text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
    expect(headers).toMatchObject({
      date: expect.stringMatching(/ GMT$/),
      'proxy-status': 'test; error=http_request_error; details="bad_request"',
      'x-correlation-id': headers['sluice-request-id'],
      'content-type': 'application/problem+json',
      connection: 'close',
    })
    const flight = await flightOf({ status: 400, headers, body: '' })
    expect(flight).toMatchObject({ route: null, method: 'GET', host: 'Shop.test', path: '/a/s3cret-free', query: '' })
    expect(one(flight, 'failed')).toMatchObject({ reason: 'bad_request', rule: 'field', origin: 'client' })
    expect((await sluice('why', flight.requestId)).stdout).toContain('rule field')
    const line = await gateway.line(({ request_id }) => request_id === flight.requestId)
    expect(line).toMatchObject({ method: 'GET', path: '/a/s3cret-free', host: 'Shop.test', status: 400, rule: 'field' })
    expect(gateway.stdout).not.toContain('key=s3cret')
    await gateway.shows('sluice_client_faults_total{listener="web",rule="field"} 1')
    client.close()
  })

  test('a spent retry budget', async () => {
    const flight = await flightOf(await gateway.get('/stingy'))
    expect(one(flight, 'decided')).toMatchObject({ decision: 'budget', facts: { upstream: 'stingy' } })
  })

  test('a fallback', async () => {
    const answer = await gateway.get('/fallen')
    expect([answer.status, answer.body]).toEqual([200, 'instead'])
    const flight = await flightOf(answer)
    expect(flight).toMatchObject({ status: 200, reason: 'connect_refused', why: 'failed' })
    expect(one(flight, 'fallback').reason).toBe('connect_refused')
  })

  test('a deadline', async () => {
    const flight = await flightOf(await gateway.get('/deadline'))
    expect(one(flight, 'deadline')).toMatchObject({ reason: 'deadline_exceeded', limitMs: 200 })
    expect(one(flight, 'deadline').atMs).toBeGreaterThanOrEqual(195)
  })

  test('the wait in a queue', async () => {
    const both = [gateway.get('/held'), gateway.get('/held')]
    const refused = await Promise.race(both)
    // The wait may be over before the upstream has seen the other one.
    await until(() => held.length === 1)
    held[0]?.()
    await Promise.all(both)
    const flight = await flightOf(refused)
    expect(flight.reason).toBe('queue_timeout')
    expect(one(flight, 'queued').waitMs).toBeGreaterThanOrEqual(45)
  })

  test('slow ones are kept, fine ones are not, not even those that were retried', async () => {
    const fine = await gateway.get('/fine')
    const over = await gateway.get('/over')
    expect([fine.status, over.status]).toEqual([200, 200])
    const slow = await flightOf(await gateway.get('/slow'))
    expect(slow).toMatchObject({ why: 'slow', status: 200, reason: null })
    // By itself a request takes as long as the machine lets it: only one that was quick says something.
    for (const answer of [fine, over]) {
      const { duration_ms: ms } = await gateway.line(({ request_id }) => request_id === idOf(answer))
      const kept = (await gateway.admin(`/api/v1/requests/${idOf(answer)}`)).status
      expect(kept).toBe(Number(ms) < SLOW_MS ? 404 : 200)
    }
  })
})

describe('the list', () => {
  test('by route and status', async () => {
    await flightOf(await gateway.get('/open'))
    const { requests } = await api<{ requests: FlightSummary[] }>('requests?route=open&status=5xx&limit=1')
    expect(requests).toMatchObject([{ route: 'open', status: 503, reason: 'breaker_open' }])
    const wrong = await gateway.admin('/api/v1/requests?rout=open')
    expect([wrong.status, wrong.body]).toEqual([400, expect.stringContaining('did you mean route?')])
  })
})

describe('sluice why', () => {
  test('tells it in plain words', async () => {
    const answer = await gateway.get('/fail?id=2')
    await flightOf(answer)
    const { code, stdout, stderr } = await sluice('why', idOf(answer))
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^GET 127\.0\.0\.1\/fail\?id=2\n/)
    expect(stdout).toMatch(/\n +0 ms {2}received from 127\.0\.0\.1 \(HTTP\/1\.1\)\n/)
    expect(stdout).toMatch(/ ms {2}attempt 1 to app http:\/\/127\.0\.0\.1:\d+: 503 after /)
    expect(stdout).toContain('no further attempt: as many as the route allows were made')
    expect(stdout).toContain('The upstream itself answered with 503; Sluice passed it on.')
  })

  test('by correlation ID, and where the reason is explained', async () => {
    await flightOf(await gateway.get('/open', { 'x-correlation-id': 'trail+7/a' }))
    await flightOf(await gateway.get('/stingy', { 'x-correlation-id': 'trail+7/a' }))
    const { stdout } = await sluice('why', 'trail+7/a')
    expect(stdout).toContain('breaker_open: The circuit breaker is open. See docs/failures.md#breaker_open')
    expect(stdout).toContain('docs/failures.md#connect_refused')
    const { stdout: json } = await sluice('why', 'trail+7/a', '--json')
    expect((JSON.parse(json) as { requests: Flight[] }).requests.map(({ route }) => route)).toEqual(['stingy', 'open'])
  })

  test('an unknown one', async () => {
    const { code, stderr } = await sluice('why', 'nothing')
    expect(code).toBe(3)
    expect(stderr).toContain('no request with this ID is kept')
  })
})

describe('sluice tap', () => {
  test('shows what matches as it ends, and ends after its limit', async () => {
    const tapped = sluice('tap', '--route', 'fine', '--limit', '3', '--json', '--for', '1m')
    let ended: Ended | undefined
    void tapped.then((end) => {
      ended = end
    })
    await until(async () => {
      await gateway.get('/fine?secret=1')
      await gateway.get('/fail?id=3')
      return ended !== undefined
    })
    const { code, stdout } = ended as unknown as Ended
    expect(code).toBe(0)
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as FlightSummary)
    expect(lines.map(({ route, query, why }) => [route, query, why])).toEqual([
      ['fine', '?secret=***', null],
      ['fine', '?secret=***', null],
      ['fine', '?secret=***', null],
    ])
  })

  test('a wrong filter is said', async () => {
    const { code, stderr } = await sluice('tap', '--status', '9xx')
    expect(code).toBe(64)
    expect(stderr).toContain('status: "9xx" is not a status such as 503, or a class of them such as 5xx')
  })

  test.each([
    [['--route', 'fin'], 3, 'the live config has no route "fin"; did you mean fine?'],
    [['--route', 'nowhere'], 3, 'the live config has no route "nowhere"\n'],
    [['--reason', 'connect_refusd'], 64, 'did you mean connect_refused?'],
    [['--reason', '503'], 64, 'reason: "503" is not a reason such as upstream_reset\n'],
    [['--method', 'get'], 64, 'method: "get" is not a method such as GET\n'],
  ])('what can never come is said at once: %j', async (filter, exit, message) => {
    const { code, stderr, stdout } = await sluice('tap', ...filter)
    expect([code, stdout]).toEqual([exit, ''])
    expect(stderr).toContain(message)
  })

  test('those that match no route can be waited for', async () => {
    const { code } = await sluice('tap', '--route', '-', '--for', '100ms')
    expect(code).toBe(0)
  })

  test('as server-sent events, to whoever may', async () => {
    const reader = new AbortController()
    const url = `http://127.0.0.1:${gateway.adminPort}/api/v1/tap?status=200`
    expect((await fetch(url)).status).toBe(401)
    const headers = { authorization: `Bearer ${await gateway.token()}` }
    const answer = await fetch(url, { headers, signal: reader.signal })
    expect(answer.headers.get('content-type')).toBe('text/event-stream')
    let text = ''
    const reading = (async () => {
      for await (const chunk of answer.body as ReadableStream<Uint8Array>) text += new TextDecoder().decode(chunk)
    })().catch(() => {})
    await until(async () => {
      await gateway.get('/fine')
      return text.includes('event: request')
    })
    reader.abort()
    await reading
  })
})

test('Server-Timing for a trusted peer that asks, and for nobody else', async () => {
  const asked = await gateway.get('/slow', { 'sluice-explain': '1' })
  const timing = /^queue;dur=0\.0, upstream;dur=([\d.]+), total;dur=([\d.]+)$/.exec(
    asked.headers['server-timing'] ?? '',
  )
  expect(Number(timing?.[1])).toBeGreaterThanOrEqual(SLOW_MS)
  expect(Number(timing?.[2])).toBeGreaterThanOrEqual(Number(timing?.[1]))
  expect((await gateway.get('/open', { 'sluice-explain': '1' })).headers['server-timing']).toMatch(
    /^queue;dur=0\.0, total;dur=/,
  )
  expect((await gateway.get('/fine')).headers['server-timing']).toBeUndefined()
})

test('is said in the metrics when too many failed at once', async () => {
  await until(async () => {
    await Promise.all(Array.from({ length: 150 }, () => gateway.get('/none')))
    return /^sluice_flight_recorder_dropped_total [1-9]/m.test((await gateway.probe('/metrics')).body)
  })
})

describe('a tap without an end', () => {
  const started = async (): Promise<{ child: ChildProcess; code: Promise<number | null> }> => {
    const args = [CLI, 'tap', '--route', 'fine', '--admin', `http://127.0.0.1:${gateway.adminPort}`]
    const child = spawn(process.execPath, args, { env: { ...process.env, ...ofUser() } })
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
    })
    const code = once(child, 'exit').then(([exitCode]) => exitCode as number | null)
    await until(async () => {
      await gateway.get('/fine')
      return text.includes(' route=fine ')
    })
    return { child, code }
  }

  test('ends by Ctrl-C', async () => {
    const { child, code } = await started()
    child.kill('SIGINT')
    expect(await code).toBe(0)
  })

  test('ends when nobody reads it any more, as after | head, and says nothing', async () => {
    const { child, code } = await started()
    let said = ''
    child.stderr?.on('data', (chunk) => {
      said += chunk
    })
    child.stdout?.destroy()
    const load = setInterval(() => void gateway.get('/fine').catch(() => {}), 50)
    expect(await code.finally(() => clearInterval(load))).toBe(0)
    expect(said).toBe('')
  })

  test('ends with the gateway, which does not wait for it', async () => {
    const { code } = await started()
    expect(await gateway.stop()).toBe(0)
    expect(await code).toBe(0)
  })
})
