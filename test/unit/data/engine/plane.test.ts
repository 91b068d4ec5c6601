import { describe, expect, test } from 'vitest'
import type { CellRef } from '../../../../src/cells/pages.ts'
import { CellSpace } from '../../../../src/cells/space.ts'
import type { UpstreamConfig } from '../../../../src/core/config.ts'
import type { Exchange } from '../../../../src/core/exchange.ts'
import { type AnyFeature, defineFeature } from '../../../../src/core/feature.ts'
import type { Notice } from '../../../../src/core/notice.ts'
import {
  type ConfigHead,
  type EndpointCells,
  EndpointWord,
  type LeanRoute,
  type ResolvedEndpoint,
  type UpstreamCells,
  type UpstreamEndpoints,
} from '../../../../src/core/protocol.ts'
import type { Reply } from '../../../../src/core/verdict.ts'
import { CollectingDownstream } from '../../../../src/data/engine/collect.ts'
import { DataPlane } from '../../../../src/data/engine/plane.ts'
import type { Recorder } from '../../../../src/data/seeing/recorder.ts'
import { circuitBreaker } from '../../../../src/features/circuit-breaker/feature.ts'
import { FEATURES } from '../../../../src/features/index.ts'
import { EventClock } from '../../../../src/lib/event-clock.ts'
import { ENDLESS } from '../../../../src/lib/lifetime.ts'
import { seededRandom } from '../../../../src/lib/random.ts'
import { TimerWheel } from '../../../../src/lib/timers.ts'
import { text } from '../../../../src/schema/scalars.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { PEER } from '../../../kit/exchange.ts'
import { CountedMetrics, readOptions } from '../../../kit/feature.ts'
import { HEAD, TIMEOUTS } from '../../../kit/lean.ts'
import { UPSTREAM } from '../../../kit/lean-upstream.ts'
import { TestLink } from '../../../kit/link.ts'
import { lostEnd } from '../../../kit/lost-end.ts'
import { TestMail } from '../../../kit/mail.ts'
import { ScriptedTransport } from '../../../kit/scripted-transport.ts'
import { settle } from '../../../kit/until.ts'

/** A data plane in virtual time that takes config as a worker does. */
class PlaneKit {
  readonly clock = new ManualClock()
  readonly transport = new ScriptedTransport()
  readonly finished: Exchange[] = []
  readonly retired: number[] = []
  readonly space = new CellSpace(1, 0)
  readonly plane: DataPlane

  readonly changes: Notice[] = []
  readonly link = new TestLink(this.clock)

  constructor(features: readonly AnyFeature[] = FEATURES) {
    this.space.add([
      { id: 0, kind: 'ints', buffer: new SharedArrayBuffer(65_536) },
      { id: 1, kind: 'words', buffer: new SharedArrayBuffer(65_536) },
    ])
    const recorder: Pick<Recorder, 'finish' | 'attempt' | 'route' | 'commit'> = {
      finish: (ex) => void this.finished.push(ex),
      attempt: () => {},
      route: () => ({
        finish: () => {},
        retried: () => {},
        hedged: () => {},
        spilled: () => {},
        refused: () => {},
      }),
      commit: () => {},
    }
    this.plane = new DataPlane({
      space: this.space,
      clock: new EventClock(this.clock),
      timers: new TimerWheel(this.clock),
      random: seededRandom(1),
      recorder: recorder as Recorder,
      transport: this.transport,
      retired: (generation) => this.retired.push(generation),
      report: (change) => void this.changes.push(change),
      mail: new TestMail(),
      link: this.link.worker,
      features,
      metrics: new CountedMetrics(),
      lostEnd,
      bug: (error) => {
        throw error
      },
    })
  }

  async prepare(generation: number, upstreams: readonly string[], routes: readonly LeanRoute[]): Promise<string> {
    this.plane.prepare(head(generation, upstreams.length, routes.length))
    const message = await this.plane.chunk({
      type: 'chunk',
      generation,
      upstreams: upstreams.map(upstream),
      endpoints: upstreams.map((name, i) => endpoints(name, i)),
      routes,
      last: true,
    })
    return message.type
  }

  send(target: string): { reply: Reply | undefined; ended: boolean } {
    const sent: { reply: Reply | undefined; ended: boolean } = { reply: undefined, ended: false }
    const request = { method: 'GET', target, headers: [], body: undefined }
    this.plane.engine.handle(
      new CollectingDownstream(PEER, request, 10_000, (reply) => {
        sent.reply = reply
        sent.ended = true
      }),
    )
    return sent
  }
}

function head(generation: number, upstreams: number, routes: number): ConfigHead {
  return { ...HEAD, generation, hash: `h${generation}`, cells: {}, upstreams, routes }
}

function upstream(name: string): UpstreamConfig {
  return {
    ...UPSTREAM,
    name,
    algorithm: 'round-robin',
    connections: { max: 8, maxWaiting: 8, keepAlive: 4000, ...ENDLESS },
    features: { outlierDetection: OUTLIERS },
  }
}

function endpoints(name: string, index: number): UpstreamEndpoints {
  return { upstream: name, cells: upstreamCells(index), endpoints: [endpoint(name, index)] }
}

function endpoint(name: string, index: number): ResolvedEndpoint {
  return {
    id: `http://${name}:80`,
    scheme: 'http',
    address: '127.0.0.1',
    port: 80,
    host: name,
    weight: 1,
    tier: 0,
    zone: undefined,
    maxConcurrent: undefined,
    cells: endpointCells(index),
  }
}

const RETRIES = { maxExtra: 1, when: ['connect'], methods: ['GET'], backoff: { base: 25, cap: 250 }, retryAfterCap: 0 }
const NO_RETRIES = { maxExtra: 0, when: [], methods: [], backoff: { base: 0, cap: 0 }, retryAfterCap: 0 }
const OUTLIERS = {
  consecutiveFailures: undefined,
  consecutive5xx: undefined,
  failurePercentage: undefined,
  successRate: undefined,
  interval: 10_000,
  baseEjection: 30_000,
  maxEjection: 300_000,
  maxEjected: 0.5,
  endOnHealthy: false,
  mode: 'enforce',
} as const

/** Cells by place: every kit has pages of its own. */
const int = (slot: number): CellRef => ({ page: 0, slot })
const word = (slot: number): CellRef => ({ page: 1, slot })

function endpointCells(index: number): EndpointCells {
  const at = 100 * (index + 1)
  const outlierDetection = { ejection: { words: word(at + 40) }, outcomes: undefined }
  return { inFlight: int(at), connections: int(at + 1), state: word(at), features: { outlierDetection } }
}

function upstreamCells(index: number): UpstreamCells {
  const at = 100 * (index + 1) + 50
  return {
    waiting: int(at + 40),
    features: { outlierDetection: { ejected: word(at) } },
  }
}

function route(name: string, to: string | undefined, { features, ...more }: Partial<LeanRoute> = {}): LeanRoute {
  const segments = { kind: 'segments', source: `/${name}`, segments: [{ literal: name }], prefix: false } as const
  return {
    name,
    match: [{ listeners: [], hosts: [], paths: [segments], methods: [], headers: [], query: [] }],
    precedence: 0,
    encodedSlashes: 'check',
    to: to === undefined ? undefined : [{ upstream: to, weight: 1 }],
    alternates: [],
    features: { timeouts: TIMEOUTS, retries: RETRIES, ...features },
    reach: {},
    cells: { inFlight: { page: 0, slot: 0 }, features: {} },
    digest: JSON.stringify([name, to, features, more]),
    effect: JSON.stringify([name, to, features, more]),
    ...more,
  }
}

describe('the data plane takes config in two phases', () => {
  test('nothing changes before commit; afterwards new requests see it', async () => {
    const kit = new PlaneKit()
    expect(await kit.prepare(1, ['a'], [route('one', 'a')])).toBe('prepared')
    expect(kit.plane.commit(1, 1000)).toEqual({ type: 'committed', generation: 1 })
    expect(await kit.prepare(2, ['a'], [route('two', 'a')])).toBe('prepared')
    expect(kit.send('/two').reply?.status).toBe(404)
    kit.plane.commit(2, 1000)
    expect(kit.send('/one').reply?.status).toBe(404)
    const sent = kit.send('/two')
    kit.transport.latest.connect()
    kit.transport.latest.answer(200)
    expect(sent.reply?.status).toBe(200)
  })

  test('a request keeps the snapshot it began with; its upstream closes after it', async () => {
    const kit = new PlaneKit()
    await kit.prepare(1, ['a'], [route('one', 'a')])
    kit.plane.commit(1, 1000)
    const sent = kit.send('/one')
    const connection = kit.transport.latest
    connection.connect()
    await kit.prepare(2, [], [])
    kit.plane.commit(2, 1000)
    expect([connection.closed, kit.retired]).toEqual([false, []])
    connection.answer(200, [], 'still here')
    expect(sent.reply?.body?.toString()).toBe('still here')
    expect([connection.closed, kit.retired]).toEqual([true, [1]])
  })

  test('an upstream that lives on keeps its connections', async () => {
    const kit = new PlaneKit()
    await kit.prepare(1, ['a'], [route('one', 'a')])
    kit.plane.commit(1, 1000)
    kit.send('/one')
    kit.transport.latest.connect()
    kit.transport.latest.answer(200)
    await kit.prepare(2, ['a', 'b'], [route('one', 'a'), route('two', 'b')])
    kit.plane.commit(2, 1000)
    kit.send('/one')
    expect(kit.transport.connections.length).toBe(1)
    kit.transport.latest.answer(200)
    expect(kit.finished.length).toBe(2)
  })

  test('an aborted generation has changed nothing and cannot be committed', async () => {
    const kit = new PlaneKit()
    await kit.prepare(1, ['a'], [route('one', 'a')])
    kit.plane.commit(1, 1000)
    await kit.prepare(2, ['b'], [route('two', 'b')])
    kit.plane.abort(2)
    expect(kit.plane.commit(2, 1000).type).toBe('refused')
    kit.send('/one')
    kit.transport.latest.connect()
    expect(kit.transport.latest.request?.target).toBe('/one')
  })

  test('what cannot be compiled is refused, and the living generation goes on', async () => {
    const kit = new PlaneKit()
    await kit.prepare(1, ['a'], [route('one', 'a')])
    kit.plane.commit(1, 1000)
    expect(await kit.prepare(2, ['a'], [route('bad', 'nowhere')])).toBe('refused')
    expect(await kit.prepare(3, ['a'], [route('bad', 'a', { features: { 'no-such-policy': {} } })])).toBe('refused')
    expect(kit.plane.commit(3, 1000).type).toBe('refused')
    kit.send('/one')
    expect(kit.transport.connections.length).toBe(1)
  })

  test('chunks of a generation that nobody prepares are refused', async () => {
    const kit = new PlaneKit()
    const chunk = { type: 'chunk', generation: 9, upstreams: [], endpoints: [], routes: [], last: true } as const
    expect((await kit.plane.chunk(chunk)).type).toBe('refused')
  })

  test('new addresses of a name take the next requests; the old connection closes when idle', async () => {
    const kit = new PlaneKit()
    await kit.prepare(1, ['a'], [route('one', 'a')])
    kit.plane.commit(1, 1000)
    kit.send('/one')
    const first = kit.transport.latest
    first.connect()
    const moved = { ...endpoint('a', 5), id: 'http://127.0.0.9:80', address: '127.0.0.9' }
    kit.plane.endpoints([{ upstream: 'a', cells: upstreamCells(0), endpoints: [moved] }])
    kit.send('/one')
    expect(kit.transport.latest.target.address).toBe('127.0.0.9')
    first.answer(200)
    expect(first.closed).toBe(true)
  })

  test('a breaker that opened and an endpoint that is ejected stay so in the next generation', async () => {
    const kit = new PlaneKit()
    const breaker = readOptions(circuitBreaker, { minRequests: 4 })
    const cells = {
      inFlight: int(0),
      features: { circuitBreaker: { a: { circuit: { state: word(5000) }, window: { outcomes: int(5000) } } } },
    }
    const one = () => route('one', 'a', { features: { circuitBreaker: breaker, retries: NO_RETRIES }, cells })
    await kit.prepare(1, ['a'], [one()])
    kit.plane.commit(1, 1000)
    for (let i = 0; i < 4; i++) {
      kit.send('/one')
      kit.transport.running.fail({ reason: 'connect_refused' })
    }
    expect(kit.changes).toMatchObject([
      { kind: 'state', feature: 'circuitBreaker', labels: ['one', 'a'], state: 'open' },
    ])
    await kit.prepare(2, ['a'], [one(), route('two', 'a')])
    kit.plane.commit(2, 1000)
    expect(JSON.parse(String(kit.send('/one').reply?.body))).toMatchObject({ reason: 'breaker_open' })
    const { features, state: ejected } = endpointCells(0)
    const { words } = (features.outlierDetection as { ejection: { words: CellRef } }).ejection
    Atomics.store(kit.space.int32(ejected), ejected.slot + EndpointWord.ejected, 1)
    // Until when.
    Atomics.store(kit.space.int32(words), words.slot, Math.round(kit.clock.now()) + 60_000)
    await kit.prepare(3, ['a'], [one(), route('two', 'a')])
    kit.plane.commit(3, 1000)
    expect([...(kit.plane.engine.current?.upstreams.get('a')?.endpoints ?? [])].map(({ usable }) => usable)).toEqual([
      false,
    ])
  })

  test('close answers what has no head, breaks what has, and leaves no timer', async () => {
    const kit = new PlaneKit()
    await kit.prepare(1, ['a'], [route('one', 'a')])
    kit.plane.commit(1, 1000)
    const waiting = kit.send('/one')
    const streaming = kit.send('/one')
    kit.transport.latest.connect()
    kit.transport.latest.events.onHead(200, [])
    kit.plane.close()
    expect(waiting.reply?.status).toBe(503)
    expect(streaming).toMatchObject({ ended: true, reply: undefined })
    expect(kit.clock.timers).toBe(0)
    expect(kit.space.held({ page: 0, slot: 0 }).sum()).toBe(0)
  })
})

describe('what was matched is what is forwarded', () => {
  const below = (name: string): LeanRoute['match'] => [
    {
      listeners: [],
      hosts: [],
      methods: [],
      headers: [],
      query: [],
      paths: [{ ...SEGMENTS, segments: [{ literal: name }] }],
    },
  ]
  const SEGMENTS = { kind: 'segments', source: '', prefix: true } as const

  async function plane(): Promise<PlaneKit> {
    const kit = new PlaneKit()
    const admin = below('a').map((match) => ({
      ...match,
      paths: [{ ...SEGMENTS, segments: [{ literal: 'a' }, { literal: 'admin' }] }],
    }))
    await kit.prepare(
      1,
      ['a'],
      [
        route('all', 'a', { match: below('a') }),
        route('admin', 'a', { match: admin }),
        route('strip', 'a', { match: below('s'), features: { rewrite: { stripPrefix: '/s', host: 'upstream' } } }),
        route('gone', undefined, { match: below('g'), features: { redirect: { path: '/a', status: 308 } } }),
      ],
    )
    kit.plane.commit(1, 1000)
    return kit
  }

  test.each([
    ['/a/%7e%2Fx?%7e', '/a/%7e%2Fx?%7e'],
    ['/a/x%2Ey', '/a/x.y'],
    ['/s/%7e//x?%7e', '/~//x?%7e'],
  ])('%s goes on as %s', async (target, forwarded) => {
    const kit = await plane()
    kit.send(target)
    kit.transport.latest.connect()
    expect(kit.transport.latest.request?.target).toBe(forwarded)
  })

  test.each(['/a/../x', '/a/%2e%2E', '/a/admin%2Fx', '/a/admin\\x'])('%s is refused as ambiguous', async (target) => {
    const kit = await plane()
    expect(kit.send(target).reply?.status).toBe(400)
    expect(kit.finished[0]?.failure?.reason).toBe('ambiguous_path')
    expect(kit.transport.connections).toEqual([])
  })

  test('a redirect needs no upstream', async () => {
    const reply = (await plane()).send('/g/x?q').reply
    expect([reply?.status, reply?.headers.slice(0, 2)]).toEqual([308, ['location', '/a?q']])
  })
})

describe('a config that needs feeds', () => {
  /** Needs the feed that its options name, on routes and at upstreams, and cannot be compiled with `bad`. */
  const fed = defineFeature<string>({
    name: 'fed',
    doc: 'For tests.',
    keys: { route: text('a feed'), upstream: text('a feed') },
    places: { fed: { stage: 50, why: 'For tests.' } },
    compile(name, { feed }) {
      const { value } = feed<string>(name, 'before-commit')
      return { fed: { name: 'fed', respond: (ex) => void ex.response?.headers.push('x-fed', String(value)) } }
    },
    upstream: {
      compile(name, { feed }) {
        if (name === 'bad') throw new Error('thrown by a test')
        feed<string>(name as string, 'before-commit')
        return {}
      },
    },
  })
  const kit = (): PlaneKit => new PlaneKit([...FEATURES, fed])
  const last = async (kit: PlaneKit, atUpstream: string | undefined, onRoute?: string) => {
    const features = onRoute === undefined ? {} : { fed: onRoute }
    const fed = atUpstream === undefined ? {} : { fed: atUpstream }
    const config = upstream('a')
    let done = false
    kit.plane.prepare(head(1, 1, 1))
    const prepared = kit.plane.chunk({
      type: 'chunk',
      generation: 1,
      upstreams: [{ ...config, features: { ...config.features, ...fed } }],
      endpoints: [endpoints('a', 0)],
      routes: [route('one', 'a', { features })],
      last: true,
    })
    void prepared.then(() => {
      done = true
    })
    await settle()
    return { prepared, isDone: () => done }
  }

  test.each([
    ['a route', undefined, 'keys'],
    ['an upstream', 'keys', undefined],
  ])('of %s is prepared when they are there', async (_, atUpstream, onRoute) => {
    const plane = kit()
    const { isDone, prepared } = await last(plane, atUpstream, onRoute)
    expect(isDone()).toBe(false)
    plane.clock.advance(1_000)
    plane.link.publish('fed', 'keys', 'k')
    expect(await prepared).toEqual({ type: 'prepared', generation: 1, without: [] })
  })

  test('is prepared without them after 2 s, and says so', async () => {
    const plane = kit()
    plane.link.publish('fed', 'there', 't')
    const { isDone, prepared } = await last(plane, 'keys', 'there')
    plane.clock.advance(1_900)
    await settle()
    expect(isDone()).toBe(false)
    plane.clock.advance(200)
    expect(await prepared).toEqual({ type: 'prepared', generation: 1, without: ['fed keys'] })
  })

  test('waits for those of an upstream that stays, too, and is refused if that cannot be compiled', async () => {
    const plane = kit()
    plane.link.publish('fed', 'first', 1)
    await (await last(plane, 'first')).prepared
    plane.plane.commit(1, 1000)
    const { isDone, prepared } = await last(plane, 'second')
    expect(isDone()).toBe(false)
    plane.link.publish('fed', 'second', 2)
    expect(await prepared).toMatchObject({ type: 'prepared', without: [] })
    const { endpoints } = plane.plane.engine.current?.upstreams.get('a') ?? {}
    expect(await (await last(plane, 'bad')).prepared).toMatchObject({ type: 'refused', message: 'thrown by a test' })
    expect(plane.plane.engine.current?.upstreams.get('a')?.endpoints).toEqual(endpoints)
    expect(plane.send('/one').ended).toBe(false)
  })
})
