import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FAILURES, type Reason } from '../../../src/core/failures.ts'
import { type BlackHole, blackHole } from '../../kit/blackhole.ts'
import { field, type HttpClient, httpClient, type WireAnswer } from '../../kit/client.ts'
import { type LogLine, ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { closedPort, type TcpServer, tcpServer } from '../../kit/tcp.ts'
import { testAuthority } from '../../kit/tls.ts'
import { until } from '../../kit/until.ts'

/** What the scripted upstream does with a request, by its path. */
const SCRIPTS: Readonly<Record<string, string | 'reset' | 'silent'>> = {
  '/silent': 'silent',
  '/reset': 'reset',
  '/failing': 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n',
  '/garbage': 'this is no HTTP\r\n\r\n',
  '/half': 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc',
  '/stalls': 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc',
}

const servers: TcpServer[] = []
const clients: HttpClient[] = []
let hole: BlackHole
let sluice: Sluice

beforeAll(async () => {
  const upstream = await tcpServer((peer) => {
    peer.socket.on('data', () => {
      const path = /^\w+ \/\w+(\/\w+)/.exec(peer.text)?.[1] ?? ''
      const script = SCRIPTS[path]
      if (script === 'reset') peer.reset()
      else if (path === '/stalls') peer.send(script as string)
      else if (script !== 'silent') peer.end(script ?? 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
    })
  })
  const untrusted = await tcpServer(() => {}, testAuthority().issue('127.0.0.1'))
  servers.push(upstream, untrusted)
  hole = await blackHole()
  sluice = await startSluice(`${ONE_WORKER.replace(
    /^listeners:\n.*$/m,
    `listeners:
  web: { listen: "127.0.0.1:0", timeouts: { body: 300ms }, limits: { headerBytes: 8KiB, targetBytes: 2KiB } }
  tight: { listen: "127.0.0.1:0", limits: { connections: 1 } }`,
  )}
dns: { servers: ["127.0.0.1:${await closedPort()}"] }
defaults:
  route: { retries: off, circuitBreaker: off }
upstreams:
  app: { endpoints: ["http://127.0.0.1:${upstream.port}"] }
  narrow: { endpoints: ["http://127.0.0.1:${upstream.port}"], connections: { max: 1, maxWaiting: 1 } }
  refusing: { endpoints: ["http://127.0.0.1:${await closedPort()}"] }
  nowhere: { endpoints: ["http://nowhere.test:80"] }
  unroutable: { endpoints: ["http://255.255.255.255:80"] }
  blackhole: { endpoints: ["http://127.0.0.1:${hole.port}"], timeouts: { connect: 200ms } }
  untrusted: { endpoints: ["https://127.0.0.1:${untrusted.port}"] }
routes:
  app: { match: { path: /app/*, methods: [GET, HEAD, POST] }, to: app }
  hasty: { match: { path: /hasty/* }, to: app, timeouts: { request: 200ms } }
  attempted: { match: { path: /attempted/* }, to: app, timeouts: { attempt: 200ms }, retries: { maxExtra: 1 } }
  idle: { match: { path: /idle/* }, to: app, timeouts: { idle: 200ms } }
  total: { match: { path: /total/* }, to: app, timeouts: { total: 200ms } }
  narrow: { match: { path: /narrow/* }, to: narrow }
  refusing: { match: { path: /refusing }, to: refusing }
  nowhere: { match: { path: /nowhere }, to: nowhere }
  unroutable: { match: { path: /unroutable }, to: unroutable }
  blackhole: { match: { path: /blackhole }, to: blackhole }
  untrusted: { match: { path: /untrusted }, to: untrusted }
  fallen: { match: { path: /fallen/* }, to: app, fallback: { route: refusing } }
  files: { match: { path: /files/* }, respond: { directory: . } }
  closed: { match: { path: /closed }, to: app, access: { deny: 127.0.0.0/8 } }
  small: { match: { path: /small }, to: app, bodyLimit: 1B }
  broken: { match: { path: /broken }, to: refusing, circuitBreaker: { minRequests: 1 } }
`)
})

afterAll(async () => {
  for (const client of clients) client.close()
  await sluice.stop()
  for (const server of servers) {
    await server.close()
  }
  await hole.close()
})

async function client(listener = 'web'): Promise<HttpClient> {
  const made = await httpClient(sluice.port(listener))
  clients.push(made)
  return made
}

/** One request on a connection of its own. `more`: lines of the head. */
async function ask(line: string, more = '', body = ''): Promise<WireAnswer> {
  const { answer } = await asked(line, more, body)
  return answer
}

async function asked(line: string, more = '', body = ''): Promise<{ answer: WireAnswer; client: HttpClient }> {
  const made = await client()
  made.send(`${line} HTTP/1.1\r\nHost: a.test\r\nX-Correlation-Id: corr-7\r\n${more}\r\n${body}`)
  return { answer: await made.answer(line.split(' ')[0]), client: made }
}

const get = (path: string) => () => ask(`GET ${path}`)

/** How each reason is made to happen; what comes back is the answer. */
const ANSWERED: Partial<Record<Reason, () => Promise<WireAnswer>>> = {
  no_route: get('/nothing'),
  not_found: get('/files/none'),
  forbidden: get('/closed'),
  body_too_large: () => ask('POST /small', 'Transfer-Encoding: chunked\r\n', '2\r\nab\r\n0\r\n\r\n'),
  method_not_allowed: () => ask('DELETE /app/x'),
  bad_request: () => ask('GET /app/x', 'Host: b.test\r\n'),
  ambiguous_path: get('/app/..%2fx'),
  request_timeout: () => ask('POST /app/silent', 'Content-Length: 10\r\n', 'abc'),
  upgrade_required: () =>
    ask('GET /app/x', 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\n'),
  expectation_failed: () => ask('POST /app/x', 'Expect: something\r\nContent-Length: 1\r\n'),
  not_implemented: () => ask('POST /app/x', 'Transfer-Encoding: gzip, chunked\r\n'),
  loop_detected: () => ask('GET /app/x', 'Via: 1.1 other, 1.1 test\r\n'),
  uri_too_long: get(`/app/${'x'.repeat(3000)}`),
  headers_too_large: () => ask('GET /app/x', `X-Large: ${'x'.repeat(20_000)}\r\n`),
  no_endpoint: get('/nowhere'),
  connect_refused: get('/refusing'),
  connect_failed: get('/unroutable'),
  connect_timeout: get('/blackhole'),
  tls_error: get('/untrusted'),
  upstream_error: get('/fallen/failing'),
  upstream_reset: get('/app/reset'),
  bad_response: get('/app/garbage'),
  attempt_timeout: get('/attempted/silent'),
  deadline_exceeded: get('/hasty/silent'),
  total_exceeded: get('/total/silent'),
  async breaker_open() {
    await ask('GET /broken')
    return ask('GET /broken')
  },
  async connections() {
    await client('tight')
    const second = await client('tight')
    second.send('GET / HTTP/1.1\r\nHost: a.test\r\nX-Correlation-Id: corr-7\r\n\r\n')
    return second.answer()
  },
  async pool_full() {
    const asking: HttpClient[] = []
    for (let i = 0; i < 3; i++) {
      const next = await client()
      asking.push(next.send('GET /narrow/silent HTTP/1.1\r\nHost: a.test\r\nX-Correlation-Id: corr-7\r\n\r\n'))
    }
    // One has the connection, one waits for it: the one too many is whichever came last.
    await until(() => asking.some(({ rest }) => rest !== ''), 'one is answered')
    return (asking.find(({ rest }) => rest !== '') as HttpClient).answer()
  },
}

/** The answer had begun, or nobody is there: only the log has the reason. */
const LOGGED: Partial<Record<Reason, () => Promise<void>>> = {
  async response_incomplete() {
    const { answer } = await asked('GET /app/half')
    expect(answer).toMatchObject({ status: 200, complete: false })
  },
  async idle_timeout() {
    const { answer } = await asked('GET /idle/stalls')
    expect(answer).toMatchObject({ status: 200, complete: false })
  },
  async client_gone() {
    const gone = await client()
    gone.send('GET /app/silent HTTP/1.1\r\nHost: a.test\r\n\r\n')
    await servers[0]?.peer(servers[0].accepted)
    gone.peer.reset()
  },
}

/** Belong to capabilities that this version does not have. */
const LATER: readonly Reason[] = [
  'unsupported_media_type',
  'misdirected',
  'idempotency_conflict',
  'idempotency_mismatch',
  'unauthenticated',
  'rate_limited',
  'dns_error',
]

/**
 * `draining` in test/feature/resilience/drain.test.ts, `deadline_unmeetable` in test/feature/deadlines.test.ts,
 * `stalled_client` in test/feature/resilience/slow-clients.test.ts,
 * `internal` takes a bug: test/unit/data/engine/hooks.test.ts; `worker_lost` in test/feature/resilience/workers-end.test.ts.
 */
const ELSEWHERE: readonly Reason[] = [
  'stalled_client',
  'overloaded',
  'draining',
  'deadline_unmeetable',
  'internal',
  'worker_lost',
  'bulkhead_full',
  'queue_timeout',
  'shed',
  'streams_full',
]

test('every reason of the table is made to happen, or belongs to a later version', () => {
  const all = [...Object.keys(ANSWERED), ...Object.keys(LOGGED), ...LATER, ...ELSEWHERE]
  expect(all.toSorted()).toEqual(Object.keys(FAILURES).toSorted())
})

function logLine(answer: WireAnswer): Promise<LogLine> {
  return sluice.line((line) => line.request_id === field(answer, 'sluice-request-id'))
}

describe('answers', () => {
  test.each(Object.entries(ANSWERED))('%s', async (name, make) => {
    const reason = name as Reason
    const row = FAILURES[reason]
    const answer = await make()
    expect(answer.status).toBe(row.status)
    expect(field(answer, 'content-type')).toBe('application/problem+json')
    const problem = JSON.parse(answer.body) as Record<string, unknown>
    const requestId = field(answer, 'sluice-request-id')
    expect(problem).toMatchObject({
      type: `urn:sluice:failure:${reason}`,
      title: row.title,
      status: row.status,
      reason,
      instance: `urn:uuid:${requestId}`,
      correlationId: field(answer, 'x-correlation-id'),
    })
    expect(field(answer, 'proxy-status')).toMatch(new RegExp(`^test; error=\\w+; details="${reason}"$`))
    if (reason !== 'tls_error') expect(field(answer, 'proxy-status')).toContain(`error=${row.proxyStatus};`)
    // Nothing of the inside.
    const all = `${answer.headers.join('\n')}\n${answer.body}`
    expect(all).not.toMatch(/127\.0\.0\.1|255\.255|nowhere|\.ts\b|node:|\bat \w+ \(|ECONN|errno/i)
    const line = await logLine(answer)
    expect(line).toMatchObject({ reason, status: row.status, phase: expect.any(String), origin: expect.any(String) })
    await sluice.shows(new RegExp(`sluice_requests_total\\{[^}]*status="${row.status}",reason="${reason}"\\} [1-9]`))
  })

  test('keep the client’s correlation ID', async () => {
    const answer = await (ANSWERED.connect_refused as () => Promise<WireAnswer>)()
    expect(field(answer, 'x-correlation-id')).toBe('corr-7')
    expect(await logLine(answer)).toMatchObject({
      correlation_id: 'corr-7',
      endpoint: expect.stringContaining('127.0.0.1'),
    })
  })

  test('name what is allowed, when to come again, and the limit', async () => {
    expect(field(await (ANSWERED.method_not_allowed as () => Promise<WireAnswer>)(), 'allow')).toBe('GET, HEAD, POST')
    expect(field(await ask('GET /broken'), 'retry-after')).toMatch(/^\d+$/)
    expect((await (ANSWERED.uri_too_long as () => Promise<WireAnswer>)()).body).toContain('2048')
    expect((await (ANSWERED.headers_too_large as () => Promise<WireAnswer>)()).body).toContain('8192')
  })

  test('are HTML or text where Accept prefers it, and have no body for HEAD', async () => {
    const html = await ask('GET /nothing', 'Accept: text/html,*/*;q=0.1\r\n')
    expect(field(html, 'content-type')).toContain('text/html')
    expect(html.body).toContain('<code>no_route</code>')
    const text = await ask('GET /nothing', 'Accept: text/plain\r\n')
    expect(field(text, 'content-type')).toContain('text/plain')
    expect(text.body).toContain('no_route')
    const { answer, client: made } = await asked('HEAD /nothing')
    expect(answer.status).toBe(404)
    expect(made.rest).toBe('')
  })
})

describe('without an answer of ours', () => {
  test.each(Object.entries(LOGGED))('%s', async (reason, make) => {
    await make()
    const line = await sluice.line((candidate) => candidate.reason === reason)
    expect(line).toMatchObject({ status: reason === 'client_gone' ? 499 : 200 })
  })
})
