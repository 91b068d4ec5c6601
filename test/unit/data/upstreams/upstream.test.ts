import { beforeEach, describe, expect, test } from 'vitest'
import { Attempt } from '../../../../src/core/attempt.ts'
import type { UpstreamConfig } from '../../../../src/core/config.ts'
import { answered, ended, GOOD, type HeadVerdict, LEFT_BEHIND, OVERTAKEN, SPARE } from '../../../../src/core/outcome.ts'
import { EndpointStateBit, EndpointWord, type ResolvedEndpoint } from '../../../../src/core/protocol.ts'
import type { Endpoint } from '../../../../src/data/upstreams/endpoint.ts'
import type { Upstream } from '../../../../src/data/upstreams/upstream.ts'
import { get, Recorder } from '../../../contract/transport/harness.ts'
import type { TestCells } from '../../../kit/cells.ts'
import type { ManualClock } from '../../../kit/clock.ts'
import { OUTLIERS } from '../../../kit/judged.ts'
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

describe('panic', () => {
  test('below the threshold health is ignored, drained endpoints stay out; above it counts again', () => {
    const u = upstream({ algorithm: 'round-robin', features: { panicThreshold: 0.5 } })
    const all = [1, 2, 3, 4].map((port) => resolved(port, { tier: port === 3 ? 1 : 0 }))
    const [a, b, c, d] = all as [ResolvedEndpoint, ResolvedEndpoint, ResolvedEndpoint, ResolvedEndpoint]
    u.setEndpoints(all)
    const seen = (): string[] => [...new Set(ports(Array.from({ length: 12 }, () => u.pick([]))))].sort()
    cells.set(d.cells.state, EndpointStateBit.draining | EndpointStateBit.unhealthy)
    cells.set(a.cells.state, EndpointStateBit.unhealthy)
    // Two of three.
    expect(seen()).toEqual(['2'])
    cells.set(b.cells.state, EndpointStateBit.unhealthy)
    expect(seen()).toEqual(['1', '2'])
    cells.set(a.cells.state, 0)
    expect(seen()).toEqual(['1'])
    cells.set(a.cells.state, EndpointStateBit.unhealthy)
    cells.set(c.cells.state, EndpointStateBit.unhealthy)
    expect(seen()).toEqual(['1', '2'])
    u.setEndpoints(all.slice(0, 2))
    expect(seen()).toEqual(['1', '2'])
    renew(u, { ...CONFIG, algorithm: 'round-robin' })
    expect(seen()).toEqual(['-'])
  })

  test('with a threshold of 0 it never happens', () => {
    const u = upstream()
    const only = resolved(1)
    u.setEndpoints([only])
    cells.set(only.cells.state, EndpointStateBit.unhealthy)
    expect(u.pick([])).toBeUndefined()
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

  describe('whose clients leave', () => {
    /** The same endpoint, and another one, as two workers see them. */
    function workers(): [Endpoint, Endpoint] {
      const shared = rig.shared({ features: { outlierDetection: OUTLIERS } }, [1, 2])
      const [a, b] = shared.map(({ endpoints }) => endpoints[0] as Endpoint)
      return [a as Endpoint, b as Endpoint]
    }

    /** One that was sent `ms` ago, and no answer came. */
    function left(endpoint: Endpoint, ms: number): void {
      endpoint.learn(ended('client_gone'), new Attempt(1, 'a', clock.now() - ms), ms, clock.now())
    }

    function answers(endpoint: Endpoint): void {
      const at = new Attempt(1, 'a', clock.now())
      at.headAt = clock.now()
      endpoint.learn(GOOD, at, 1, clock.now())
    }

    /** Sent now, and overtaken after so many milliseconds. */
    function overtaken(endpoint: Endpoint, ms: number, head = LEFT_BEHIND): void {
      const at = new Attempt(1, 'a', clock.now())
      clock.advance(ms)
      endpoint.learn(head, at, ms, clock.now())
    }

    test('or is overtaken soon, by one attempt after another, is out after a second without an answer', () => {
      const [a] = workers()
      for (let i = 0; i < 9; i++) overtaken(a, 100)
      // 900 ms; from 950 on each of them counts, and the fifth ejects it.
      for (let i = 0; i < 4; i++) overtaken(a, 100)
      expect(a.ejected).toBe(false)
      overtaken(a, 100)
      expect(a.ejected).toBe(true)
    })

    test('stays where many were overtaken at once: it was no second without an answer', () => {
      const [a] = workers()
      const at = new Attempt(1, 'a', clock.now())
      clock.advance(500)
      for (let i = 0; i < 40; i++) a.learn(LEFT_BEHIND, at, 500, clock.now())
      expect(a.ejected).toBe(false)
    })

    test.each([0, 1])('stays where it answers in between, this worker or another: %i', (worker) => {
      const all = workers()
      for (let i = 0; i < 40; i++) {
        for (let k = 0; k < 8; k++) overtaken(all[0], 100)
        clock.advance(150)
        // A head, which the window of failures in a row does not see.
        const at = new Attempt(1, 'a', clock.now())
        at.headAt = clock.now()
        all[worker]?.learn(ended('client_gone'), at, 1, clock.now())
        expect(all[0].ejected).toBe(false)
      }
    })

    test('stays where it is seldom overtaken: those are not added up', () => {
      const [a] = workers()
      for (let i = 0; i < 40; i++) {
        clock.advance(11_000)
        overtaken(a, 100)
        expect(a.ejected).toBe(false)
      }
    })

    test('stays where it usually needs a third of that time', () => {
      const [a] = workers()
      for (let i = 0; i < 130; i++) {
        const at = new Attempt(1, 'a', clock.now() - 700)
        at.headAt = clock.now()
        a.learn(GOOD, at, 700, clock.now())
      }
      clock.advance(200)
      for (let i = 0; i < 15; i++) overtaken(a, 100)
      expect(a.ejected).toBe(false)
    })

    test('stays where its attempts were the later ones, however long they took', () => {
      const [a] = workers()
      for (let i = 0; i < 40; i++) {
        overtaken(a, 3_000, SPARE)
        expect(a.ejected).toBe(false)
      }
    })

    test('is out when no worker had an answer of it meanwhile', () => {
      const [a, b] = workers()
      answers(b)
      for (let i = 0; i < 5; i++) {
        expect(a.ejected).toBe(false)
        clock.advance(1_200)
        left(i % 2 === 0 ? a : b, 1_000)
      }
      expect([a.ejected, b.ejected]).toEqual([true, true])
    })

    test('stays when another worker had one', () => {
      const [a, b] = workers()
      for (let i = 0; i < 20; i++) {
        clock.advance(500)
        answers(b)
        clock.advance(600)
        left(a, 1_000)
      }
      expect(a.ejected).toBe(false)
    })

    test('stays where it usually needs more than a third of what they waited', () => {
      const [a] = workers()
      for (let i = 0; i < 130; i++) {
        const at = new Attempt(1, 'a', clock.now() - 700)
        at.headAt = clock.now()
        a.learn(GOOD, at, 700, clock.now())
      }
      clock.advance(5_000)
      for (let i = 0; i < 20; i++) left(a, 1_800)
      expect(a.ejected).toBe(false)
      for (let i = 0; i < 5; i++) left(a, 2_200)
      expect(a.ejected).toBe(true)
    })
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
