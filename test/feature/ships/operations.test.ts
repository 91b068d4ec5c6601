import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { Exit } from '../../../src/cli/io.ts'
import type { MetricTable } from '../../../src/core/metric.ts'
import { METRICS } from '../../../src/core/metrics.ts'
import { FEATURES } from '../../../src/features/index.ts'
import { httpClient } from '../../kit/client.ts'
import { section, tableRows } from '../../kit/markdown.ts'
import { type LogLine, type Sluice, startSluice } from '../../kit/sluice.ts'
import { closedPort } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'
import { handshake, switched, TUNNEL_TOP } from '../../kit/upgrade.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'
import { ROOT } from './kit/image.ts'

/** A page of docs/operations. */
function page(name: string): string {
  return readFileSync(join(ROOT, `docs/operations/${name}.md`), 'utf8')
}

let upstream: TestUpstream
let slow: TestUpstream
let sluice: Sluice
const lines: LogLine[] = []
/** A Close frame with 1000. */
const CLOSE = Buffer.from([0x88, 0x02, 0x03, 0xe8])

beforeAll(async () => {
  slow = await testUpstream((_req, res) => void setTimeout(() => res.end(), 50))
  let ill = 1
  upstream = await testUpstream((req, res) => {
    if (req.url === '/healthz' && ill-- > 0) res.writeHead(500)
    res.end('ok')
  })
  upstream.server.on('upgrade', (req, socket) => {
    socket.on('error', () => {}).on('end', () => socket.end())
    socket.write(switched(req))
    socket.write(CLOSE)
    socket.resume()
  })
  sluice = await startSluice(`${TUNNEL_TOP}
plugins: ["${join(ROOT, 'config/examples/plugins/external-auth.ts')}"]
tracing: {}
upstreams:
  good: { endpoints: ["${upstream.url}"] }
  half:
    endpoints: ["${upstream.url}", "http://127.0.0.1:${await closedPort()}"]
    outlierDetection: { consecutiveFailures: 1 }
  dead: { endpoints: ["http://127.0.0.1:${await closedPort()}"] }
  tight:
    endpoints: ["http://127.0.0.1:${await closedPort()}", "http://127.0.0.1:${await closedPort()}"]
    retryBudget: { percent: 0%, minRetryRate: { count: 0 } }
  slow: { endpoints: ["${slow.url}", "${slow.url.replace('127.0.0.1', 'localhost')}"] }
  found: { endpoints: { dns: "localhost:${upstream.port}" } }
  ill: { endpoints: ["${upstream.url}"], healthCheck: { interval: 100ms } }
routes:
  slow: { match: { path: /slow }, to: slow, hedge: { delay: 1ms } }
  narrow:
    match: { path: /narrow }
    to: slow
    bulkhead: { maxConcurrent: 1, queue: { size: 5, maxWait: 5s } }
    slo: { availability: 99.9%, latency: { p99: 300ms } }
  good: { match: { path: /good, query: { q: { present: true } }, headers: { x-kind: { present: true } } }, to: good }
  chat: { match: { path: /chat }, to: good }
  half: { match: { path: /half }, to: half }
  dead: { match: { path: /dead }, to: dead, circuitBreaker: { minRequests: 1 } }
  tight: { match: { path: /tight }, to: tight }
  fallen: { match: { path: /fallen }, to: dead, fallback: { body: fallen } }
  moved: { match: { path: /moved }, to: dead, fallback: { route: good } }
  guarded: { match: { path: /guarded }, to: good, externalAuth: { upstream: good } }
  split:
    match: { path: /split }
    to: [{ upstream: good, weight: 1 }, { upstream: dead, weight: 1 }]
    circuitBreaker: { minRequests: 1 }
`)
  const answers = [
    await sluice.get('/good?q=1', { 'x-kind': 'a' }),
    await sluice.get('/dead'),
    await sluice.get('/no-route'),
    await sluice.get('/tight'),
    await sluice.get('/fallen'),
    await sluice.get('/slow'),
    await sluice.get('/moved'),
    await sluice.get('/guarded'),
    ...(await Promise.all([1, 2, 3, 4].map(() => sluice.get('/narrow')))),
  ]
  expect(answers.map(({ status }) => status)).toEqual([200, 502, 404, 502, 200, 200, 200, 200, 200, 200, 200, 200])
  // Draws both endpoints sooner or later.
  for (let i = 0; i < 40; i++) answers.push(await sluice.get('/half'))
  // The first that draws the dead one opens its breaker, and all that draw it later go to the other.
  for (let i = 0; i < 40; i++) answers.push(await sluice.get('/split'))
  await openTunnel()
  const malformed = await httpClient(sluice.port())
  await malformed.send('GET /malformed HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n').answer()
  malformed.close()
  lines.push(await sluice.line(({ path }) => path === '/malformed'))
  await until(async () => (await sluice.probe('/metrics')).body.includes('sluice_recovery_seconds'))
  for (const { headers } of answers) {
    lines.push(await sluice.line(({ request_id }) => request_id === headers['sluice-request-id']))
  }
  lines.push(await sluice.line(({ kind }) => kind === 'call'))
})

afterAll(async () => {
  expect(await sluice?.stop()).toBe(0)
  await upstream?.close()
  await slow?.close()
})

/** Opens a WebSocket, and ends it: the upstream closes with 1000, and the client answers that. */
async function openTunnel(): Promise<void> {
  const client = await httpClient(sluice.port())
  expect((await client.send(handshake('/chat')).answer()).status).toBe(101)
  await until(() => client.rest === CLOSE.toString('latin1'))
  client.send(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8])).peer.end()
  lines.push(await sluice.line(({ path }) => path === '/chat'))
}

/** Of a config from a URL, of feeds, of plug-ins that hold up a worker, of connections that live long, and of WebSockets. */
const ELSEWHERE = [
  'sluice_feed_failing',
  'sluice_config_source_checked_timestamp_seconds',
  'sluice_config_source_read_timestamp_seconds',
  'sluice_config_source_failures_total',
  'sluice_plugin_slow_total',
  'sluice_buffer_pauses_total',
  'sluice_connections_retired_total',
  'sluice_pool_connections_retired_total',
  'sluice_websocket_closes_total',
  'sluice_websocket_frames_total',
  'sluice_websocket_payload_bytes_total',
  'sluice_websocket_pings_total',
  'sluice_websocket_reconnecting',
  'sluice_websocket_reconnects_total',
] as const

const KNOWN: MetricTable = Object.assign({}, METRICS, ...FEATURES.map(({ metrics }) => metrics))

describe('metrics', () => {
  interface Metric {
    readonly name: string
    readonly type: string
    readonly labels: readonly string[]
  }

  const documented: Metric[] = tableRows(page('metrics')).map(([name = '', type = '', labels = '']) => ({
    name: name.replaceAll('`', ''),
    type,
    labels: [...labels.matchAll(/`(\w+)`/g)].map((match) => match[1] as string),
  }))

  test('each that is exposed is documented with its type, and the other way round', async () => {
    const { body } = await sluice.probe('/metrics')
    const exposed = [...body.matchAll(/^# TYPE (sluice_\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`)
    const elsewhere = ELSEWHERE.map((name) => `${name} ${KNOWN[name]?.kind}`)
    const all = new Set([...exposed, ...elsewhere])
    expect(documented.map(({ name, type }) => `${name} ${type}`).toSorted()).toEqual([...all].toSorted())
  })

  test('labels are those of the page', async () => {
    const { body } = await sluice.probe('/metrics')
    for (const { name, labels } of documented) {
      const samples = [...body.matchAll(new RegExp(`^${name}(?:_sum)?(?:\\{(.*)\\})? `, 'gm'))]
      const seen = samples.map((match) => [...(match[1] ?? '').matchAll(/(\w+)="/g)].map((label) => label[1]))
      for (const names of seen) expect(names, name).toEqual(labels)
      const elsewhere = ELSEWHERE.find((known) => known === name)
      if (elsewhere === undefined) expect(seen, name).not.toEqual([])
      else expect(labels, name).toEqual(KNOWN[elsewhere]?.labels)
    }
  })
})

test('the alerts are those that are shipped, each with its runbook', () => {
  const rules = parse(readFileSync(join(ROOT, 'config/prometheus/rules.yaml'), 'utf8')) as {
    groups: { rules: { alert?: string; labels?: { severity: string } }[] }[]
  }
  const shipped = rules.groups.flatMap((group) => group.rules).filter(({ alert }) => alert !== undefined)
  expect(
    tableRows(page('alerts'))
      .slice(0, shipped.length)
      .map(([name, severity]) => [name, severity]),
  ).toEqual(shipped.map(({ alert, labels }) => [`[${alert}](../runbooks/${alert}.md)`, labels?.severity]))
})

test('the fields of the access log are those of its lines', () => {
  const documented = tableRows(page('access-log')).map(([field = '']) => field.replaceAll('`', ''))
  const seen = new Set(lines.flatMap((line) => Object.keys(line)))
  expect(documented.toSorted()).toEqual([...seen].toSorted())
})

test('the messages of the operational log are those of the source', () => {
  const documented = tableRows(page('operational-log')).map(
    ([level, message = '']) => `${level} ${message.replaceAll('`', '')}`,
  )
  const source = join(ROOT, 'src')
  const logged = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => messagesIn(readFileSync(join(source, file), 'utf8')))
  const lasting = FEATURES.flatMap(({ endpointStates, states = endpointStates }) => Object.values(states?.states ?? {}))
  const events = FEATURES.flatMap((feature) => Object.values(feature.events ?? {}))
  const told = [...lasting, ...events].map(({ log }) => `${log.level} ${log.message}`)
  expect(documented.toSorted()).toEqual([...new Set([...logged, ...told])].toSorted())
})

/** `level message` of each call of the operational log, the supervisor's `fail` among them. */
function messagesIn(code: string): string[] {
  const calls = [...code.matchAll(/\blog\.(debug|info|warn|error)\(\s*(['"])(.+?)\2/g)]
  const failures = [...code.matchAll(/\bthis\.fail\(slot, thread, '(.+?)'/g)]
  return [
    ...calls.map(([, level, , message]) => `${level} ${message}`),
    ...failures.map(([, message]) => `error ${message}`),
  ]
}

test('every exit code is named', () => {
  const rows = tableRows(section(page('running'), '## Exit codes')).map(([code = '']) => code)
  const codes = rows.flatMap((cell) => cell.match(/\b\d+\b/g) ?? []).map(Number)
  expect(codes.toSorted((a, b) => a - b)).toEqual(Object.values(Exit).toSorted((a, b) => a - b))
})

test('probes and reads of the admin API answer as the page says', async () => {
  const paths = [...page('admin-api').matchAll(/`(?:GET )?(\/[\w/]+)`/g)].map((match) => match[1] as string)
  expect(paths).toEqual(expect.arrayContaining(['/api/v1/status', '/metrics', '/livez', '/readyz', '/startupz']))
  const headers = { authorization: `Bearer ${await sluice.token()}` }
  for (const path of paths) {
    // The head alone: streams have no end.
    const answer = await fetch(`http://127.0.0.1:${sluice.adminPort}${path}`, { headers })
    expect(answer.status, path).toBe(200)
    await answer.body?.cancel()
  }
})
