import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type TestCollector, testCollector } from '../../kit/collector.ts'
import type { SeenSpan } from '../../kit/otlp.ts'
import { ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { closedPort } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'
import { seenField, type TestUpstream, testUpstream } from '../../kit/upstream.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'

let upstream: TestUpstream
let collector: TestCollector
const stops: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  upstream = await testUpstream((req, res) => {
    res.writeHead(req.url === '/broken' ? 503 : 200).end('ok')
  })
})

afterAll(() => upstream.close())

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function gateway(tracing: string, more = '', protocol = 'http/protobuf'): Promise<Sluice> {
  collector = await testCollector()
  stops.push(() => collector.close())
  const sluice =
    await startSluice(`${ONE_WORKER}tracing: { otlp: { endpoint: "${collector.url}", protocol: ${protocol} }, ${tracing} }
upstreams:
  good: { endpoints: ["${upstream.url}"] }
  dead: { endpoints: ["http://127.0.0.1:${await closedPort()}"] }
routes:
  good: { match: { paths: ["/orders/{id}", /broken] }, to: good, retries: off }
  half: { match: { path: /half/* }, to: dead, failover: [good], retries: { maxExtra: 2 } }
  dead: { match: { path: /dead }, to: dead, retries: off }
  asks: { match: { path: /asks }, to: dead, retries: off, fallback: { route: good } }
  fallen: { match: { path: /fallen }, to: dead, retries: off, fallback: { body: later } }
${more}`)
  stops.push(async () => expect(await sluice.stop()).toBe(0))
  return sluice
}

const sampled = (id: string) => ({ traceparent: `00-${id}-${PARENT}-01` })
const unsampled = (id: string) => ({ traceparent: `00-${id}-${PARENT}-00` })
const one = (spans: readonly SeenSpan[], kind: SeenSpan['kind']): SeenSpan =>
  spans.find((span) => span.kind === kind) as SeenSpan

async function value(sluice: Sluice, metric: string): Promise<number> {
  const { body } = await sluice.probe('/metrics')
  return Number(
    body
      .split('\n')
      .find((line) => line.startsWith(`${metric} `))
      ?.split(' ')[1],
  )
}

describe('a sampled request', () => {
  test.each(['http/protobuf', 'http/json'])(
    'is a server span and a client span that the upstream continues (%s)',
    async (protocol) => {
      const sluice = await gateway('sample: 0%, service: edge', '', protocol)
      const answer = await sluice.get('/orders/7?secret=1', {
        ...sampled(TRACE),
        tracestate: 'a=b',
        'user-agent': 'tester',
      })
      const spans = await collector.trace(TRACE, 2)
      const server = one(spans, 'server')
      const client = one(spans, 'client')
      expect(spans).toHaveLength(2)
      expect([server.parentId, client.parentId]).toEqual([PARENT, server.spanId])
      expect(seenField(upstream.seen.at(-1) as never, 'traceparent')).toBe(`00-${TRACE}-${client.spanId}-01`)
      expect(seenField(upstream.seen.at(-1) as never, 'tracestate')).toBe('a=b')
      expect(server.name).toBe('GET /orders/{id}')
      expect(server.state).toBe('a=b')
      expect(server.failed).toBe(false)
      expect(server.facts).toMatchObject({
        'http.request.method': 'GET',
        'http.route': '/orders/{id}',
        'http.response.status_code': 200,
        'url.path': '/orders/7',
        'url.scheme': 'http',
        'server.address': '127.0.0.1',
        'client.address': '127.0.0.1',
        'network.protocol.version': '1.1',
        'user_agent.original': 'tester',
        'sluice.route': 'good',
        'sluice.request_id': answer.headers['sluice-request-id'],
      })
      expect(JSON.stringify(server.facts)).not.toContain('secret')
      expect(client.name).toBe('GET')
      expect(client.facts).toMatchObject({
        'http.request.method': 'GET',
        'http.response.status_code': 200,
        'server.address': '127.0.0.1',
        'server.port': upstream.port,
        'url.full': `${upstream.url}/orders/7`,
        'sluice.upstream': 'good',
        'sluice.outcome': 'ok',
      })
      expect(server.resource).toMatchObject({ 'service.name': 'edge' })
      expect(server.start <= client.start && client.end <= server.end).toBe(true)
      expect(Math.abs(Number(server.start / 1_000_000n) - Date.now())).toBeLessThan(30_000)
    },
  )

  test('has a span for each attempt, and events for what was decided', async () => {
    const sluice = await gateway('sample: 100%')
    const answer = await sluice.get('/half/x')
    expect(answer.status).toBe(200)
    const { trace_id } = await sluice.line(({ route }) => route === 'half')
    const spans = await collector.trace(String(trace_id), 3)
    const server = one(spans, 'server')
    const attempts = spans.filter(({ kind }) => kind === 'client')
    expect(server.parentId).toBe('')
    expect(
      attempts.map(({ facts, failed }) => [
        facts['sluice.upstream'],
        facts['error.type'],
        facts['http.request.resend_count'],
        failed,
      ]),
    ).toEqual([
      ['dead', 'connect_refused', undefined, true],
      ['good', undefined, 1, false],
    ])
    expect(server.events.map(({ name, facts }) => [name, facts])).toEqual([
      ['sluice.retry', { attempt: 2, after: 'connect_refused' }],
    ])
    expect(seenField(upstream.seen.at(-1) as never, 'traceparent')).toBe(`00-${trace_id}-${attempts[1]?.spanId}-03`)
    expect(seenField(upstream.seen.at(-1) as never, 'tracestate')).toBe('ot=th:0')
  })

  test('has spans for the attempts of the route that a fallback asks, too', async () => {
    const sluice = await gateway('sample: 100%', '', 'http/json')
    expect((await sluice.get('/asks')).status).toBe(200)
    const { trace_id } = await sluice.line(({ route }) => route === 'asks')
    const spans = await collector.trace(String(trace_id), 3)
    const attempts = spans.filter(({ kind }) => kind === 'client')
    expect(attempts.map(({ facts }) => facts['sluice.upstream'])).toEqual(['dead', 'good'])
    expect(one(spans, 'server').events).toMatchObject([
      { name: 'sluice.rerouted', facts: { from: 'asks', to: 'good' } },
    ])
    expect(seenField(upstream.seen.at(-1) as never, 'traceparent')).toBe(`00-${trace_id}-${attempts[1]?.spanId}-03`)
  })

  test('shows what a bulkhead and a breaker decided', async () => {
    const sluice = await gateway(
      'sample: 100%',
      `  narrow: { match: { path: /narrow }, to: good, bulkhead: { maxConcurrent: 1, queue: { size: 5, maxWait: 5s } } }
  open: { match: { path: /open }, to: dead, retries: off, circuitBreaker: { minRequests: 1, openFor: 60s } }
`,
    )
    const waiting = Promise.withResolvers<void>()
    const { script } = upstream
    upstream.script = (_req, res) => void waiting.promise.then(() => res.end('late'))
    const both = [sluice.get('/narrow'), sluice.get('/narrow')]
    await until(async () => (await value(sluice, 'sluice_queue_depth{route="narrow"}')) === 1)
    waiting.resolve()
    await Promise.all(both)
    upstream.script = script
    await sluice.get('/open')
    await until(async () => (await sluice.get('/open')).body.includes('breaker_open'))
    await until(() => collector.spans.some(({ events }) => events.some(({ name }) => name === 'sluice.queued')))
    await until(() => collector.spans.some(({ facts }) => facts['error.type'] === 'breaker_open'))
    const refused = collector.spans.find(({ facts }) => facts['error.type'] === 'breaker_open') as SeenSpan
    expect(refused.events.map(({ name, facts }) => [name, facts])).toEqual([
      ['sluice.refused', { policy: 'circuitBreaker', reason: 'breaker_open', mode: 'enforce' }],
    ])
  })
})

describe('who is recorded', () => {
  test('a chain of client, two gateways and a service is one linked trace, or none at all', async () => {
    const inner = await gateway('sample: 100%, service: inner')
    const outer = await startSluice(`${ONE_WORKER.replace('name: test', 'name: outer')}
tracing: { otlp: { endpoint: "${collector.url}" }, sample: 50%, service: outer }
upstreams: { inner: { endpoints: ["http://127.0.0.1:${inner.port()}"] } }
routes: { all: { match: { path: /* }, to: inner } }
`)
    stops.push(() => outer.stop())
    const from = upstream.seen.length
    for (let i = 0; i < 40; i++) expect((await outer.get(`/orders/${i}`)).status).toBe(200)
    await until(() => outer.log.length === 40)
    await Promise.all([outer.stop(), inner.stop()])
    const byTrace = Map.groupBy(collector.spans, ({ traceId }) => traceId)
    expect(byTrace.size).toBeGreaterThan(0)
    expect(byTrace.size).toBeLessThan(40)
    for (const [traceId, spans] of byTrace) {
      const names = spans.map(({ kind, resource }) => `${resource['service.name']} ${kind}`).toSorted()
      expect(names, traceId).toEqual(['inner client', 'inner server', 'outer client', 'outer server'])
      const find = (name: string): SeenSpan =>
        spans.find(({ kind, resource }) => `${resource['service.name']} ${kind}` === name) as SeenSpan
      expect(find('outer server').parentId).toBe('')
      expect(find('outer client').parentId).toBe(find('outer server').spanId)
      expect(find('inner server').parentId).toBe(find('outer client').spanId)
      expect(find('inner client').parentId).toBe(find('inner server').spanId)
    }
    for (const request of upstream.seen.slice(from)) {
      const [, traceId, spanId, flags] = (seenField(request, 'traceparent') as string).split('-')
      const client = byTrace.get(traceId as string)?.find(({ spanId: own }) => own === spanId)
      expect(flags).toBe(client === undefined ? '02' : '03')
    }
  })

  test('without sampling nothing is sent but failed requests, whole and late', async () => {
    const sluice = await gateway('sample: 0%')
    const id = (n: number): string => TRACE.slice(0, -1) + n
    const statuses = []
    for (const [n, path] of ['/orders/1', '/dead', '/broken', '/fallen', '/no-route'].entries())
      statuses.push((await sluice.get(path, unsampled(id(n)))).status)
    expect(statuses).toEqual([200, 502, 503, 200, 404])
    await Promise.all([1, 2, 3].map((n) => collector.trace(id(n), 2)))
    expect(new Set(collector.spans.map(({ traceId }) => traceId))).toEqual(new Set([1, 2, 3].map(id)))
    const dead = collector.spans.filter(({ traceId }) => traceId === id(1))
    expect(one(dead, 'server').parentId).toBe(PARENT)
    expect(one(dead, 'client').parentId).toBe(one(dead, 'server').spanId)
    expect(one(dead, 'server').facts).toMatchObject({ 'sluice.sampling': 'error', 'error.type': 'connect_refused' })
    expect(one(dead, 'server').failed).toBe(true)
    // Upstreams were told that it is not sampled.
    expect(seenField(upstream.seen.at(-1) as never, 'traceparent')).toBe(unsampled(id(2)).traceparent)
  })

  test('errors: sampled leaves out failures of traces that are not', async () => {
    const sluice = await gateway('sample: 0%, errors: sampled')
    expect((await sluice.get('/dead', unsampled(TRACE))).status).toBe(502)
    expect((await sluice.get('/dead', sampled(TRACE.replace('4', '5')))).status).toBe(502)
    await collector.trace(TRACE.replace('4', '5'), 2)
    expect(collector.spans.filter(({ traceId }) => traceId === TRACE)).toEqual([])
  })

  test('parents: proxies does not let others decide', async () => {
    const sluice = await gateway('sample: 0%, errors: sampled, parents: proxies')
    await sluice.get('/orders/1', sampled(TRACE))
    expect(seenField(upstream.seen.at(-1) as never, 'traceparent')).toBe(`00-${TRACE}-${PARENT}-00`)
    await sluice.stop()
    expect(collector.spans).toEqual([])
  })
})

test('spans that wait are sent at the end', async () => {
  const sluice = await gateway('sample: 100%')
  for (let i = 0; i < 20; i++) await sluice.get('/orders/1')
  expect(await sluice.stop()).toBe(0)
  expect(collector.spans).toHaveLength(40)
})

test('a reload switches it on, with a secret from a file, and off again', async () => {
  const collector = await testCollector()
  const yaml = (tracing: string): string => `${ONE_WORKER}watch: off
tracing: ${tracing}
upstreams: { good: { endpoints: ["${upstream.url}"] } }
routes: { all: { match: { path: /* }, to: good } }
`
  const sluice = await startSluice(yaml('off'))
  try {
    const on = `{ sample: 100%, otlp: { endpoint: "${collector.url}", headers: { authorization: { file: key } } } }`
    const reload = async (tracing: string): Promise<number> => {
      await writeFile(sluice.file, yaml(tracing))
      return (await sluice.command('reload', {})).status
    }
    // The secret is not there.
    expect(await reload(on)).toBe(422)
    await sluice.get('/')
    expect(seenField(upstream.seen.at(-1) as never, 'traceparent')).toBe(undefined)
    await writeFile(join(sluice.folder, 'key'), 'Bearer one\n')
    expect(await reload(on)).toBe(200)
    await sluice.get('/')
    await until(() => collector.spans.length === 2)
    expect(collector.requests[0]?.headers.authorization).toBe('Bearer one')
    await writeFile(join(sluice.folder, 'key'), 'Bearer two\n')
    expect(await reload(on)).toBe(200)
    await sluice.get('/')
    await until(() => collector.spans.length === 4)
    expect(collector.requests.at(-1)?.headers.authorization).toBe('Bearer two')
    expect(await reload('off')).toBe(200)
    await sluice.get('/')
    expect(seenField(upstream.seen.at(-1) as never, 'traceparent')).toBe(undefined)
  } finally {
    expect(await sluice.stop()).toBe(0)
    await collector.close()
  }
  expect(collector.spans).toHaveLength(4)
})
