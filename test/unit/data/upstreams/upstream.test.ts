import { beforeEach, describe, expect, test } from 'vitest'
import { Attempt } from '../../../../src/core/attempt.ts'
import type { UpstreamConfig } from '../../../../src/core/config.ts'
import { answered, GOOD, type HeadVerdict, OVERTAKEN } from '../../../../src/core/outcome.ts'
import { EndpointStateBit, EndpointWord, type ResolvedEndpoint } from '../../../../src/core/protocol.ts'
import type { Endpoint } from '../../../../src/data/upstreams/endpoint.ts'
import type { Upstream } from '../../../../src/data/upstreams/upstream.ts'
import { ENDLESS } from '../../../../src/lib/lifetime.ts'
import { get, Recorder } from '../../../contract/transport/harness.ts'
import type { TestCells } from '../../../kit/cells.ts'
import type { ManualClock } from '../../../kit/clock.ts'
import { UPSTREAM } from '../../../kit/lean-upstream.ts'
import type { HandTransport } from '../../../kit/transport.ts'
import { portsOf, UpstreamRig } from '../../../kit/upstream-rig.ts'

let rig: UpstreamRig
let cells: TestCells
let clock: ManualClock
let transport: HandTransport

beforeEach(() => {
  rig = new UpstreamRig()
  cells = rig.cells
  clock = rig.clock
  transport = rig.transport
})

const CONFIG = UPSTREAM

function upstream(changes: Partial<UpstreamConfig> = {}): Upstream {
  return rig.upstream(changes)
}

/** Takes a new config. */
function renew(u: Upstream, config: UpstreamConfig): void {
  rig.renew(u, config)
}

function resolved(port: number, changes: Partial<ResolvedEndpoint> = {}): ResolvedEndpoint {
  return rig.resolved(port, changes)
}

function ports(endpoints: readonly (Endpoint | undefined)[]): string[] {
  return portsOf(endpoints)
}

/** What a request gets that is retried again and again. */
function order(from: Upstream, attempts: number): string[] {
  const used: Endpoint[] = []
  for (let i = 0; i < attempts; i++) {
    const endpoint = from.pick(used)
    if (endpoint === undefined) return [...ports(used), '-']
    used.push(endpoint)
  }
  return ports(used)
}

test('without endpoints there is none', () => {
  expect(upstream().pick([])).toBeUndefined()
  expect(upstream().lastResort([])).toBeUndefined()
})

test('the best tier first, then the next ones, then used endpoints', () => {
  const u = upstream()
  u.setEndpoints([resolved(3, { tier: 7 }), resolved(1), resolved(2, { tier: 1 })])
  expect(order(u, 4)).toEqual(['1', '2', '3', '1'])
})

test('unusable endpoints are passed over, whatever their tier', () => {
  const u = upstream()
  const sick = resolved(1)
  const leaving = resolved(2)
  u.setEndpoints([sick, leaving, resolved(3, { tier: 1 })])
  cells.set(sick.cells.state, EndpointStateBit.unhealthy)
  cells.set(leaving.cells.state, EndpointStateBit.draining)
  expect(order(u, 3)).toEqual(['3', '3', '3'])
  cells.set(sick.cells.state, 0)
  expect(order(u, 2)).toEqual(['1', '3'])
})

test('the last resort takes unhealthy endpoints, unused ones first, never draining ones', () => {
  const u = upstream()
  const [a, b, c] = [resolved(1), resolved(2, { tier: 1 }), resolved(3)]
  u.setEndpoints([a, b, c])
  cells.set(a.cells.state, EndpointStateBit.unhealthy)
  cells.set(b.cells.state, EndpointStateBit.unhealthy)
  cells.set(c.cells.state, EndpointStateBit.unhealthy | EndpointStateBit.draining)
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
  renew(u, { ...CONFIG, algorithm: 'round-robin', connections: { ...CONFIG.connections, max: 2, maxWaiting: 0 } })
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
  renew(u, { ...CONFIG, connectTimeout: 50 })
  const fresh = u.pick([]) as Endpoint
  expect(fresh).not.toBe(old)
  fresh.pool.start(get(), new Recorder())
  expect(transport.connections.map((connection) => connection.options.connectTimeoutMs)).toEqual([2000, 50])
  transport.connections[0]?.answer()
  expect(seen.ended).toBe(true)
  expect(transport.connections[0]?.calls).toEqual(['close'])
})

test('TLS options matter to https endpoints only', () => {
  const u = upstream()
  const a = resolved(1)
  const b = resolved(2, { scheme: 'https', id: 'https://10.0.0.1:2' })
  u.setEndpoints([a, b])
  const [plainBefore, tlsBefore] = u.endpoints
  renew(u, { ...CONFIG, tls: { ...CONFIG.tls, serverName: 'other.test' } })
  const [plainAfter, tlsAfter] = u.endpoints
  expect(plainAfter).toBe(plainBefore)
  expect(tlsAfter).not.toBe(tlsBefore)
})

test('removed endpoints are picked no more and close when idle; so does everything at close()', () => {
  const u = upstream()
  const [a, b] = [resolved(1), resolved(2)]
  u.setEndpoints([a, b])
  for (const endpoint of u.endpoints) endpoint.pool.start(get(), new Recorder())
  for (const connection of transport.connections) connection.answer()
  u.setEndpoints([b])
  expect(order(u, 2)).toEqual(['2', '2'])
  expect(transport.connections.map((connection) => connection.calls)).toEqual([['close'], []])
  u.close()
  expect(u.pick([])).toBeUndefined()
  expect(transport.connections.map((connection) => connection.calls)).toEqual([['close'], ['close']])
})

test('TLS is for https; the name for TLS is the configured one, else the host', () => {
  const u = upstream({ tls: { ...CONFIG.tls, ca: 'PEM' } })
  const secure = resolved(443, { scheme: 'https', id: 'https://10.0.0.1:443' })
  u.setEndpoints([resolved(80), secure])
  for (const endpoint of u.endpoints) endpoint.pool.start(get(), new Recorder())
  expect(transport.connections[0]?.target).toEqual({ address: '10.0.0.1', port: 80, tls: undefined })
  expect(transport.connections[1]?.target).toMatchObject({
    port: 443,
    tls: { serverName: 'orders.test', ca: 'PEM', verify: true },
  })
  renew(u, { ...CONFIG, tls: { ...CONFIG.tls, serverName: 'sni.test' } })
  for (const endpoint of u.endpoints) endpoint.pool.start(get(), new Recorder())
  expect(transport.connections[3]?.target.tls?.serverName).toBe('sni.test')
})

test('connections.max is shared out over workers, at least one each', () => {
  const u = upstream()
  u.setEndpoints([resolved(1)])
  const endpoint = u.pick([]) as Endpoint
  for (let i = 0; i < 4; i++) endpoint.pool.start(get(), new Recorder())
  expect([endpoint.pool.open, endpoint.pool.waiting]).toEqual([2, 2])
  const one = upstream({ connections: { max: 1, maxWaiting: 1, keepAlive: 1, ...ENDLESS } })
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

describe('an endpoint of its own maximum', () => {
  test('is passed over while it is full, whichever worker fills it', () => {
    const u = upstream({ algorithm: 'round-robin' })
    const full = resolved(1, { maxConcurrent: 2 })
    u.setEndpoints([full, resolved(2)])
    const elsewhere = cells.spaces[1]?.held(full.cells.inFlight)
    elsewhere?.take()
    expect(new Set(ports([u.pick([]), u.pick([])]))).toEqual(new Set(['1', '2']))
    elsewhere?.take()
    expect(ports([u.pick([]), u.pick([]), u.pick([])])).toEqual(['2', '2', '2'])
    u.setEndpoints([{ ...full, maxConcurrent: 3 }, resolved(3)])
    expect(new Set(ports([u.pick([]), u.pick([])]))).toEqual(new Set(['1', '3']))
  })
})

describe('what an endpoint knows of itself', () => {
  test('since when it takes requests again', () => {
    const u = upstream()
    const a = resolved(1)
    u.setEndpoints([a])
    const endpoint = u.endpoints[0] as Endpoint
    const word = (place: number, value: number): void =>
      cells.set({ ...a.cells.state, slot: a.cells.state.slot + place }, value)
    expect(endpoint.warmFor(5000)).toBe(Number.POSITIVE_INFINITY)
    word(EndpointWord.warming, 1)
    word(EndpointWord.since, 4000)
    expect(endpoint.warmFor(5000)).toBe(1000)
    // Over the end of 32 bits, and weeks later.
    word(EndpointWord.since, 0x7fff_ffff)
    expect(endpoint.warmFor(0x7fff_ffff + 500)).toBe(500)
    expect(endpoint.warmFor(0x7fff_ffff + 30 * 86_400_000)).toBe(Number.POSITIVE_INFINITY)
  })

  test('blame ends with the second, and at the next success', () => {
    const u = upstream()
    u.setEndpoints([resolved(1)])
    const endpoint = u.endpoints[0] as Endpoint
    const learn = (head: HeadVerdict): void => endpoint.learn(head, new Attempt(1, 'a', 1000), 5, clock.now())
    learn(GOOD)
    expect(endpoint.blamedUntil).toBe(0)
    learn(OVERTAKEN)
    expect(endpoint.blamedUntil).toBe(0)
    learn(answered(503))
    expect(endpoint.blamedUntil).toBe(2000)
    clock.advance(500)
    learn(GOOD)
    expect(endpoint.blamedUntil).toBe(2000)
    clock.advance(500)
    learn(GOOD)
    expect(endpoint.blamedUntil).toBe(0)
  })

  test('its latency, only where an algorithm asks for it; it is kept over new lists', () => {
    const u = upstream({ algorithm: 'peak-ewma' })
    const a = resolved(1)
    u.setEndpoints([a])
    const endpoint = u.endpoints[0] as Endpoint
    const at = new Attempt(1, 'a', 1000)
    endpoint.learn(GOOD, at, 40, clock.now())
    // Nobody waited for it any more: it took at least so long.
    endpoint.learn(OVERTAKEN, at, 60, clock.now())
    endpoint.learn(OVERTAKEN, at, 10, clock.now())
    u.setEndpoints([a, resolved(2)])
    expect(endpoint.latency?.value(1000)).toBe(60)
    renew(u, CONFIG)
    expect(endpoint.latency).toBeUndefined()
    renew(u, { ...CONFIG, algorithm: 'peak-ewma' })
    expect(endpoint.latency?.value(1000)).toBe(0)
  })
})
