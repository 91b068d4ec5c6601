import { beforeEach, expect, test } from 'vitest'
import { PAGE_BYTES } from '../../../../src/cells/pages.ts'
import { CellSpace } from '../../../../src/cells/space.ts'
import { MetricsRegistry } from '../../../../src/control/seeing/metrics/metrics-registry.ts'
import { WorkerMetrics } from '../../../../src/core/series.ts'
import type { Reply } from '../../../../src/core/verdict.ts'
import { CollectingDownstream } from '../../../../src/data/engine/collect.ts'
import { AccessLog } from '../../../../src/data/seeing/access-log.ts'
import { Recorder } from '../../../../src/data/seeing/recorder.ts'
import { FEATURES } from '../../../../src/features/index.ts'
import { systemClock } from '../../../../src/lib/clock.ts'
import { PEER } from '../../../kit/exchange.ts'
import { type MemoryStream, MemoryTransport } from '../../../kit/memory-link.ts'
import { ConfiguredPlane } from '../../../kit/plane.ts'

// The engine over links that take eight streams each.

let transport: MemoryTransport
let kit: ConfiguredPlane
let lines: Record<string, unknown>[]
let metrics: MetricsRegistry

beforeEach(() => {
  transport = new MemoryTransport()
  lines = []
  metrics = new MetricsRegistry(systemClock, FEATURES)
})

/** `upstream`, `route`: what their features are given, as YAML of one line. */
async function engine(route = 'retries: { maxExtra: 1 }', upstream = '', endpoints = 1): Promise<void> {
  const urls = Array.from({ length: endpoints }, (_, i) => `http://127.0.0.${i + 1}:9`)
  const yaml = `apiVersion: sluice/v1
listeners: { web: { listen: "127.0.0.1:0" } }
upstreams: { app: { endpoints: ${JSON.stringify(urls)}, ${upstream} } }
routes: { app: { match: { path: /* }, to: app, ${route} } }
`
  kit = await ConfiguredPlane.read(yaml, FEATURES, {
    transport,
    recorder: (clock) => {
      const page = { id: 1, kind: 'floats' as const, buffer: new SharedArrayBuffer(PAGE_BYTES) }
      metrics.addPage(0, page)
      const own = new WorkerMetrics(new CellSpace(1, 0), [page], (message) => {
        if (message.type === 'series') metrics.series(0, message)
      })
      const out = { write: (line: string) => lines.push(JSON.parse(line)) > 0 }
      return new Recorder(own, new AccessLog(out, clock), clock)
    },
  })
}

interface Sent {
  reply: Reply | undefined
}

function send(method = 'GET', target = '/', body?: Buffer): Sent {
  const sent: Sent = { reply: undefined }
  kit.engine.handle(
    new CollectingDownstream(PEER, { method, target, headers: [], body }, 1_000_000, (reply) => {
      sent.reply = reply
    }),
  )
  return sent
}

/** Lets bodies flow and backoffs pass. */
async function pass(ms = 0): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve()
  kit.clock.advance(ms)
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

function stream(target: string): MemoryStream {
  return transport.streams.find(({ request }) => request.target === target) as MemoryStream
}

async function series(name: string): Promise<string[]> {
  const { body } = await metrics.expose()
  return body
    .toString()
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`))
    .map((line) => line.slice(name.length))
}

test('requests share a link; those that a go-away refuses are sent again on another, whatever their method', async () => {
  await engine()
  const sent = ['GET', 'POST', 'PATCH'].map((method, i) =>
    send(method, `/${i}`, i === 0 ? undefined : Buffer.from('body')),
  )
  await pass()
  transport.link(0).connect()
  await pass()
  expect(transport.streams.map(({ sent }) => sent)).toEqual(['', 'body', 'body'])
  transport.link(0).goAway(1)
  stream('/0').answer(200)
  await pass(1000)
  transport.link(1).connect()
  await pass()
  // Each has a backoff of its own.
  expect(transport.streams.map(({ request, sent, ended }) => `${request.method} ${sent} ${ended}`).toSorted()).toEqual([
    'PATCH body true',
    'POST body true',
  ])
  for (const one of transport.streams) one.answer(201)
  await pass()
  expect(sent.map(({ reply }) => reply?.status)).toEqual([200, 201, 201])
  expect(lines.map(({ attempts, reason }) => [attempts, reason])).toEqual([
    [1, undefined],
    [2, undefined],
    [2, undefined],
  ])
  expect(await series('sluice_attempts_total')).toEqual([
    '{upstream="app",endpoint="http://127.0.0.1:9",outcome="ignored"} 2',
    '{upstream="app",endpoint="http://127.0.0.1:9",outcome="ok"} 3',
  ])
  expect(transport.link(0).state).toBe('closed')
})

test('what was only reset is sent again by its method, as before', async () => {
  await engine()
  const sent = [send('POST', '/post', Buffer.from('body')), send('GET', '/get')]
  await pass()
  transport.link(0).connect()
  await pass()
  stream('/post').fail()
  stream('/get').fail()
  await pass(1000)
  expect(transport.streams.map(({ request }) => request.method)).toEqual(['GET'])
  stream('/get').answer(200)
  await pass()
  expect(sent.map(({ reply }) => reply?.status)).toEqual([502, 200])
})

test('the bounds of retries hold for refused ones, too: their number, and the body that is kept', async () => {
  await engine()
  const sent = [send('POST', '/twice', Buffer.from('body')), send('POST', '/large', Buffer.alloc(100_000))]
  await pass()
  transport.link(0).connect()
  await pass()
  stream('/large').refuse()
  stream('/twice').refuse()
  await pass(1000)
  expect(transport.streams.map(({ request }) => request.target)).toEqual(['/twice'])
  stream('/twice').refuse()
  await pass(1000)
  expect([transport.streams.length, sent.map(({ reply }) => reply?.status)]).toEqual([0, [502, 502]])
  expect(lines.map(({ reason, attempts }) => [reason, attempts])).toEqual([
    ['upstream_reset', 1],
    ['upstream_reset', 2],
  ])
})

test('no retries: none is sent again', async () => {
  await engine('retries: off')
  const sent = send('GET')
  transport.link(0).connect()
  stream('/').refuse()
  await pass(1000)
  expect([sent.reply?.status, transport.streams.length]).toEqual([502, 0])
})

test('one of two streams ends as failed, or breaks: the other one is whole', async () => {
  await engine('retries: off')
  const sent = [send('GET', '/0'), send('GET', '/1'), send('GET', '/2')]
  transport.link(0).connect()
  stream('/0').answer(200, { body: 'said', failed: true })
  stream('/1').head(200)
  stream('/1').fail({ reason: 'response_incomplete', phase: 'body' })
  stream('/2').answer(200, { body: 'whole' })
  await pass()
  expect([sent[0]?.reply?.body?.toString(), sent[2]?.reply?.body?.toString()]).toEqual(['said', 'whole'])
  expect(lines.map(({ status, reason }) => [status, reason])).toEqual([
    [200, 'upstream_error'],
    [200, 'response_incomplete'],
    [200, undefined],
  ])
  expect(transport.link(0).state).toBe('open')
})

/** Requests whose answers say at their ends that they failed, or not. */
async function answers(...failed: readonly boolean[]): Promise<(number | undefined)[]> {
  const statuses: (number | undefined)[] = []
  for (const [i, fails] of failed.entries()) {
    const sent = send('GET', `/${i}`)
    if (transport.links[0]?.connected === false) transport.link(0).connect()
    await pass()
    stream(`/${i}`)?.answer(200, { failed: fails })
    await pass()
    statuses.push(sent.reply?.status)
  }
  return statuses
}

test('an answer that fails at its end is one failure for metric and log, and no second total', async () => {
  await engine()
  expect(await answers(false, true, false)).toEqual([200, 200, 200])
  expect(await series('sluice_requests_total')).toEqual([
    '{route="app",method="GET",status="200",reason="-"} 2',
    '{route="app",method="GET",status="200",reason="upstream_error"} 1',
  ])
  expect(await series('sluice_attempts_total')).toEqual([
    '{upstream="app",endpoint="http://127.0.0.1:9",outcome="ok"} 3',
  ])
  expect(lines.map(({ status, reason }) => [status, reason])).toEqual([
    [200, undefined],
    [200, 'upstream_error'],
    [200, undefined],
  ])
})

test('the breaker counts it once, and the attempt not again', async () => {
  const breaker = 'circuitBreaker: { minRequests: 4, errorRate: 50% }'
  await engine(breaker)
  // One of four: as two it would open it.
  await answers(false, false, false, true)
  expect(await answers(false)).toEqual([200])
  transport = new MemoryTransport()
  lines = []
  await engine(breaker)
  // Two of four: two of six would not.
  await answers(false, false, true, true)
  const refused = send('GET')
  await pass()
  expect([refused.reply?.status, lines.at(-1)?.reason]).toEqual([503, 'breaker_open'])
})

test('outlier detection counts it once', async () => {
  await engine('retries: off', 'outlierDetection: { consecutiveFailures: 2 }', 2)
  const failures: number[] = []
  for (let i = 0; i < 40; i++) {
    send('GET')
    for (const link of transport.links) if (!link.connected) link.connect()
    await pass()
    const fails = transport.link(0).streams.length > 0
    if (fails) failures.push(i)
    transport.streams[0]?.answer(200, { failed: fails })
    await pass()
  }
  expect(failures.length).toBe(2)
})

test.each([
  ['goes away', true, 200],
  ['stays, and is overloaded,', false, 503],
] as const)('a peer that %s hands back what it did not begin: the breaker', async (_what, leaves, status) => {
  await engine('retries: off, circuitBreaker: { minRequests: 8, errorRate: 50% }', 'outlierDetection: off')
  const all = Array.from({ length: 8 }, (_, i) => send('GET', `/${i}`))
  transport.link(0).connect()
  if (leaves) transport.link(0).goAway(0)
  else for (const one of transport.streams) one.refuse()
  await pass()
  expect(all.map(({ reply }) => reply?.status)).toEqual(Array(8).fill(502))
  const next = send('GET', '/next')
  if (leaves) transport.link(1).connect()
  await pass()
  stream('/next')?.answer(200)
  await pass()
  expect(next.reply?.status).toBe(status)
})

test('nor does outlier detection blame an endpoint that goes away', async () => {
  for (const leaves of [true, false]) {
    transport = new MemoryTransport()
    await engine('retries: off', 'outlierDetection: { consecutiveFailures: 3 }', 2)
    for (let i = 0; i < 16; i++) send('GET', `/${i}`)
    for (const link of transport.links) link.connect()
    const { length } = transport.link(0).streams
    expect(length).toBeGreaterThan(3)
    if (leaves) transport.link(0).goAway(0)
    else for (const one of transport.link(0).streams) one.refuse()
    for (const one of [...transport.streams]) one.answer(200)
    await pass()
    for (let i = 0; i < 4; i++) send('GET', `/again/${i}`)
    const serving = transport.links.filter(({ streams }) => streams.length > 0)
    expect([leaves, serving.length]).toEqual([leaves, leaves ? 2 : 1])
  }
})

test('the retry budget takes none of them for a second request', async () => {
  await engine('retries: { maxExtra: 1 }', 'retryBudget: { percent: 40%, minRetryRate: { count: 0 } }')
  await answers(true, true)
  // One retry in three requests is within it, two in four are not; in six they would be.
  for (const retried of [true, false]) {
    send('GET', '/error')
    await pass()
    stream('/error').answer(503)
    await pass(1000)
    expect(stream('/error') !== undefined).toBe(retried)
    stream('/error')?.answer(200)
    await pass()
  }
})
