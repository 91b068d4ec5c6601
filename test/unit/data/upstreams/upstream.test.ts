import { beforeEach, expect, test } from 'vitest'
import type { UpstreamConfig } from '../../../../src/core/config.ts'
import { EndpointState, type ResolvedEndpoint } from '../../../../src/core/protocol.ts'
import type { Endpoint } from '../../../../src/data/upstreams/endpoint.ts'
import { Upstream } from '../../../../src/data/upstreams/upstream.ts'
import { seededRandom } from '../../../../src/lib/random.ts'
import { TimerWheel } from '../../../../src/lib/timers.ts'
import { get, Recorder } from '../../../contract/transport/harness.ts'
import { TestCells } from '../../../kit/cells.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { HandTransport } from '../../../kit/transport.ts'

let cells: TestCells
let plain: HandTransport
let tls: HandTransport

beforeEach(() => {
  cells = new TestCells(2)
  plain = new HandTransport()
  tls = new HandTransport()
})

const CONFIG: UpstreamConfig = {
  name: 'orders',
  endpoints: [],
  tls: { ca: undefined, cert: undefined, key: undefined, serverName: undefined, verify: true },
  algorithm: 'least-request',
  connections: { max: 5, maxWaiting: 3, keepAlive: 4000 },
  connectTimeout: 2000,
  outlierDetection: undefined,
  bulkhead: undefined,
  retryBudget: undefined,
  discovery: undefined,
  healthCheck: undefined,
}

function upstream(config: Partial<UpstreamConfig> = {}): Upstream {
  const clock = new ManualClock()
  return new Upstream({ ...CONFIG, ...config }, cells.upstream(), {
    space: cells.space,
    clock,
    timers: new TimerWheel(clock),
    random: seededRandom(1),
    transports: { plain, tls },
    report: () => {},
  })
}

function resolved(port: number, changes: Partial<ResolvedEndpoint> = {}): ResolvedEndpoint {
  return {
    id: `http://10.0.0.1:${port}`,
    scheme: 'http',
    address: '10.0.0.1',
    port,
    host: 'orders.test',
    weight: 1,
    tier: 0,
    zone: undefined,
    cells: cells.endpoint(),
    ...changes,
  }
}

function ports(endpoints: readonly (Endpoint | undefined)[]): string[] {
  return endpoints.map((endpoint) => endpoint?.id.slice(endpoint.id.lastIndexOf(':') + 1) ?? '-')
}

/** What a request gets that tries again and again. */
function order(from: Upstream, tries: number): string[] {
  const tried: Endpoint[] = []
  for (let i = 0; i < tries; i++) {
    const endpoint = from.pick(tried)
    if (endpoint === undefined) return [...ports(tried), '-']
    tried.push(endpoint)
  }
  return ports(tried)
}

test('without endpoints there is none', () => {
  expect(upstream().pick([])).toBeUndefined()
  expect(upstream().lastResort([])).toBeUndefined()
})

test('the best tier first, then the next ones, then tried endpoints', () => {
  const u = upstream()
  u.setEndpoints([resolved(3, { tier: 7 }), resolved(1), resolved(2, { tier: 1 })])
  expect(order(u, 4)).toEqual(['1', '2', '3', '1'])
})

test('unusable endpoints are passed over, whatever their tier', () => {
  const u = upstream()
  const sick = resolved(1)
  const leaving = resolved(2)
  u.setEndpoints([sick, leaving, resolved(3, { tier: 1 })])
  cells.set(sick.cells.state, EndpointState.unhealthy)
  cells.set(leaving.cells.state, EndpointState.draining)
  expect(order(u, 3)).toEqual(['3', '3', '3'])
  cells.set(sick.cells.state, 0)
  expect(order(u, 2)).toEqual(['1', '3'])
})

test('the last resort takes unhealthy endpoints, untried ones first, never draining ones', () => {
  const u = upstream()
  const [a, b, c] = [resolved(1), resolved(2, { tier: 1 }), resolved(3)]
  u.setEndpoints([a, b, c])
  cells.set(a.cells.state, EndpointState.unhealthy)
  cells.set(b.cells.state, EndpointState.unhealthy)
  cells.set(c.cells.state, EndpointState.unhealthy | EndpointState.draining)
  expect(u.pick([])).toBeUndefined()
  const first = u.lastResort([])
  expect(ports([first])).toEqual(['1'])
  expect(first?.usable).toBe(false)
  const second = u.lastResort([first as Endpoint])
  expect(ports([second])).toEqual(['2'])
  expect(ports([u.lastResort([first as Endpoint, second as Endpoint])])).toEqual(['1'])
})

test('requests in flight of all workers count', () => {
  const u = upstream()
  const [a, b] = [resolved(1), resolved(2)]
  u.setEndpoints([a, b])
  cells.spaces[1]?.held(a.cells.inFlight).take()
  expect(order(u, 1)).toEqual(['2'])
  expect(u.endpoints.map((endpoint) => endpoint.load)).toEqual([1, 0])
})

test('an endpoint keeps its identity and pool over new lists, weights, tiers and limits', () => {
  const u = upstream()
  const a = resolved(1)
  u.setEndpoints([a])
  const before = u.pick([]) as Endpoint
  before.pool.start(get(), new Recorder())
  u.setEndpoints([{ ...a, weight: 5, tier: 3 }, resolved(2, { tier: 4 })])
  u.update({ ...CONFIG, algorithm: 'round-robin', connections: { ...CONFIG.connections, max: 2, maxWaiting: 0 } })
  const after = u.pick([]) as Endpoint
  expect(after).toBe(before)
  expect([after.weight, after.tier, after.pool.open]).toEqual([5, 3, 1])
  const refused = new Recorder()
  after.pool.start(get(), refused)
  expect(refused.failure?.reason).toBe('pool_full')
})

test('what makes connections different makes another endpoint; the old one finishes', () => {
  const u = upstream()
  const a = resolved(1)
  u.setEndpoints([a])
  const old = u.pick([]) as Endpoint
  const seen = new Recorder()
  old.pool.start(get(), seen)
  u.update({ ...CONFIG, connectTimeout: 50 })
  const fresh = u.pick([]) as Endpoint
  expect(fresh).not.toBe(old)
  fresh.pool.start(get(), new Recorder())
  expect(plain.connections.map((connection) => connection.options.connectTimeoutMs)).toEqual([2000, 50])
  plain.connections[0]?.answer()
  expect(seen.ended).toBe(true)
  expect(plain.connections[0]?.calls).toEqual(['close'])
})

test('TLS options matter to https endpoints only', () => {
  const u = upstream()
  const a = resolved(1)
  const b = resolved(2, { scheme: 'https', id: 'https://10.0.0.1:2' })
  u.setEndpoints([a, b])
  const [plainBefore, tlsBefore] = u.endpoints
  u.update({ ...CONFIG, tls: { ...CONFIG.tls, serverName: 'other.test' } })
  const [plainAfter, tlsAfter] = u.endpoints
  expect(plainAfter).toBe(plainBefore)
  expect(tlsAfter).not.toBe(tlsBefore)
})

test('removed endpoints are picked no more and close when idle; so does everything at close()', () => {
  const u = upstream()
  const [a, b] = [resolved(1), resolved(2)]
  u.setEndpoints([a, b])
  for (const endpoint of u.endpoints) endpoint.pool.start(get(), new Recorder())
  for (const connection of plain.connections) connection.answer()
  u.setEndpoints([b])
  expect(order(u, 2)).toEqual(['2', '2'])
  expect(plain.connections.map((connection) => connection.calls)).toEqual([['close'], []])
  u.close()
  expect(u.pick([])).toBeUndefined()
  expect(plain.connections.map((connection) => connection.calls)).toEqual([['close'], ['close']])
})

test('schemes go to their transports; the name for TLS is the configured one, else the host', () => {
  const u = upstream({ tls: { ...CONFIG.tls, ca: 'PEM' } })
  const secure = resolved(443, { scheme: 'https', id: 'https://10.0.0.1:443' })
  u.setEndpoints([resolved(80), secure])
  for (const endpoint of u.endpoints) endpoint.pool.start(get(), new Recorder())
  expect(plain.connections[0]?.target).toEqual({ address: '10.0.0.1', port: 80, tls: undefined })
  expect(tls.connections[0]?.target).toMatchObject({
    port: 443,
    tls: { serverName: 'orders.test', ca: 'PEM', verify: true },
  })
  u.update({ ...CONFIG, tls: { ...CONFIG.tls, serverName: 'sni.test' } })
  for (const endpoint of u.endpoints) endpoint.pool.start(get(), new Recorder())
  expect(tls.connections[1]?.target.tls?.serverName).toBe('sni.test')
})

test('connections.max is shared out over workers, at least one each', () => {
  const u = upstream()
  u.setEndpoints([resolved(1)])
  const endpoint = u.pick([]) as Endpoint
  for (let i = 0; i < 4; i++) endpoint.pool.start(get(), new Recorder())
  expect([endpoint.pool.open, endpoint.pool.waiting]).toEqual([2, 2])
  const one = upstream({ connections: { max: 1, maxWaiting: 1, keepAlive: 1 } })
  one.setEndpoints([resolved(1)])
  one.pick([])?.pool.start(get(), new Recorder())
  expect(one.pick([])?.pool.open).toBe(1)
})

test('authority names the port only where it is not the default', () => {
  const u = upstream()
  u.setEndpoints([
    resolved(80),
    resolved(8080),
    resolved(443, { scheme: 'https', host: '::1' }),
    resolved(80, { scheme: 'https', id: 'x' }),
  ])
  expect(u.endpoints.map((endpoint) => endpoint.authority)).toEqual([
    'orders.test',
    'orders.test:8080',
    '[::1]',
    'orders.test:80',
  ])
})

test('an address that is listed twice is one endpoint', () => {
  const u = upstream()
  const a = resolved(1)
  u.setEndpoints([a, a])
  expect(u.endpoints.length).toBe(1)
})
