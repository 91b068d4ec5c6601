import { describe, expect, test } from 'vitest'
import type { Exchange } from '../../../../src/core/exchange.ts'
import { failure, type Origin, type Reason } from '../../../../src/core/failures.ts'
import type { Flight, FlightFilter, FlightSummary } from '../../../../src/core/flight.ts'
import { answered, ended } from '../../../../src/core/outcome.ts'
import type { FromWorker } from '../../../../src/core/protocol.ts'
import { Counter } from '../../../../src/core/series.ts'
import { FlightRecorder } from '../../../../src/data/seeing/flight-recorder.ts'
import { circuitBreaker } from '../../../../src/features/circuit-breaker/feature.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { madeAttempt, madeExchange, OK } from './made-exchange.ts'

const ANY: FlightFilter = { route: undefined, method: undefined, status: undefined, reason: undefined }
const ROW = { doc: '', facts: {}, sentence: () => 'no more' }
const ON = { flightRecorder: { slow: 1000, entries: 100 } }

class Bench {
  readonly clock = new ManualClock(1000)
  readonly posted: FromWorker[] = []
  dropped = 0
  readonly recorder: FlightRecorder
  private readonly head: typeof ON | { flightRecorder: undefined }

  constructor(head: Bench['head'] = ON) {
    const counter = new Counter(1)
    counter.inc = () => {
      this.dropped++
    }
    this.head = head
    this.recorder = new FlightRecorder(this.clock, (message) => this.posted.push(message), counter, [circuitBreaker])
  }

  exchange(path = '/orders/1', query = ''): Exchange {
    const ex = madeExchange({}, this.clock.now())
    ex.path = path
    ex.query = query
    ex.route = { name: 'orders', record: undefined }
    return ex
  }

  end(ex: Exchange, status: number, reason?: Reason, origin: Origin = 'upstream'): void {
    if (reason !== undefined) ex.failure = failure(reason, 'headers', origin)
    const route = this.recorder.route({ queryKeys: new Set(['id']), headerNames: [] }, this.head)
    route.finish(ex, status, this.clock.now())
  }

  get flights(): Flight[] {
    this.clock.advance(100)
    return this.posted.flatMap((message) => (message.type === 'flights' ? message.flights : []))
  }

  get shown(): { requests: FlightSummary[]; lost: number } {
    this.clock.advance(100)
    const all = this.posted.flatMap((message) => (message.type === 'tapped' ? [message] : []))
    return { requests: all.flatMap(({ requests }) => requests), lost: all.reduce((sum, { lost }) => sum + lost, 0) }
  }
}

describe('what is kept', () => {
  test('failed and slow requests, and no others', () => {
    const bench = new Bench()
    bench.end(bench.exchange('/fine'), 200)
    bench.end(bench.exchange('/theirs'), 500)
    bench.end(bench.exchange('/ours'), 503, 'breaker_open')
    const slow = bench.exchange('/slow')
    const stream = bench.exchange('/stream')
    stream.firstByteAt = bench.clock.now() + 5
    bench.clock.advance(1001)
    slow.firstByteAt = bench.clock.now()
    bench.end(slow, 200)
    bench.end(stream, 200)
    expect(bench.flights.map(({ path, why }) => [path, why])).toEqual([
      ['/theirs', 'failed'],
      ['/ours', 'failed'],
      ['/slow', 'slow'],
    ])
  })

  test('nothing where it is off, and nothing is posted while there is nothing', () => {
    const bench = new Bench({ flightRecorder: undefined })
    bench.end(bench.exchange(), 500)
    const idle = new Bench()
    idle.end(idle.exchange(), 200)
    expect([bench.flights, idle.flights, bench.posted, idle.posted]).toEqual([[], [], [], []])
  })

  test('60 a second, 20 that clients cause by themselves, and 20 refused before any attempt; the rest is counted', () => {
    const bench = new Bench()
    for (let i = 0; i < 50; i++) bench.end(bench.exchange(), 404, 'no_route', 'client')
    for (let i = 0; i < 50; i++) bench.end(bench.exchange(), 503, 'breaker_open', 'sluice')
    for (let i = 0; i < 100; i++) bench.end(bench.exchange(), 502, 'upstream_reset')
    const from = (wanted: Origin) => bench.flights.filter(({ origin }) => origin === wanted)
    expect([from('client').length, from('sluice').length, from('upstream').length]).toEqual([20, 20, 60])
    expect(bench.dropped).toBe(100)
    bench.clock.advance(1000)
    bench.end(bench.exchange(), 502, 'upstream_reset')
    expect(bench.flights).toHaveLength(101)
  })

  test('is masked as in the access log, and bounded', () => {
    const bench = new Bench()
    bench.end(bench.exchange(`/${'x'.repeat(5000)}`, '?id=7&token=secret'), 500)
    const [flight] = bench.flights
    expect(flight?.query).toBe('?id=7&token=***')
    expect(flight?.path).toHaveLength(1025)
    expect(JSON.stringify(bench.posted)).not.toContain('secret')
  })
})

test('the story: every attempt with its times, what was decided between them, and the end', () => {
  const bench = new Bench()
  const ex = bench.exchange()
  const first = madeAttempt(1, answered(502), 1003)
  Object.assign(first, { connectedAt: 1004.5, headAt: 1020, endedAt: 1021, status: 502, end: 'complete' })
  const second = madeAttempt(2, ended('attempt_timeout'), 1050)
  Object.assign(second, { endedAt: 1090, end: 'broken_by_us' })
  ex.queuedMs = 3
  ex.begin(first)
  ex.refused({ now: () => 1021 }, 'circuitBreaker', 'breaker_open', 'enforce', 'backup')
  ex.begin(second)
  ex.note({ at: 1090, kind: 'decided', decision: 'no_more', facts: {}, row: ROW })
  ex.attempts = 2
  ex.firstByteAt = 1091
  ex.response = { status: 504, headers: [] }
  ex.sent = true
  ex.degraded = 'attempt_timeout'
  bench.clock.advance(92)
  bench.end(ex, 200, 'attempt_timeout')
  const [flight] = bench.flights
  expect(flight?.timeline.map(({ atMs, kind }) => [atMs, kind])).toEqual([
    [0, 'received'],
    [0, 'queued'],
    [3, 'attempt'],
    [21, 'refused'],
    [50, 'attempt'],
    [90, 'decided'],
    [91, 'failed'],
    [91, 'fallback'],
    [91, 'headers'],
    [92, 'ended'],
  ])
  expect(flight?.timeline.map(({ text }) => text)).toEqual([
    'received from 192.0.2.1 (HTTP/1.1)',
    'waited 3 ms in the queue for a permit',
    `attempt 1 to ${first.upstream} ${first.endpoint}: 502 after 18 ms, connected in 1.5 ms`,
    'the circuit breaker of backup lets no attempt pass: it is open, or on probation',
    `attempt 2 to ${second.upstream} ${second.endpoint}: attempt_timeout after 40 ms, no connection`,
    'no more',
    'failed: attempt_timeout (headers, caused by upstream)',
    'the fallback answers in the place of attempt_timeout',
    'the answer begins: 504',
    'ended: 200, 12 bytes in, 345 bytes out',
  ])
  expect(flight?.timeline[2]).toMatchObject({ n: 1, outcome: '502', status: 502, durationMs: 18, connectMs: 1.5 })
  expect(flight?.timeline[4]).toMatchObject({ n: 2, outcome: 'timeout', reason: 'attempt_timeout', connectMs: null })
  expect(flight).toMatchObject({ why: 'failed', upstream: 'orders', attempts: 2, durationMs: 92 })
})

test.each([
  ['shed', { kind: 'shed', reason: 'shed' }],
  ['overloaded', { kind: 'shed', reason: 'overloaded' }],
  ['deadline_unmeetable', { kind: 'deadline', reason: 'deadline_unmeetable', limitMs: 500 }],
  ['no_endpoint', { kind: 'failed', reason: 'no_endpoint', phase: 'headers', origin: 'upstream', rule: null }],
] as const)('%s is told as what it is', (reason, happening) => {
  const bench = new Bench()
  const ex = bench.exchange()
  ex.deadline = bench.clock.now() + 500
  bench.end(ex, 503, reason)
  expect(bench.flights[0]?.timeline[1]).toEqual({ atMs: 0, ...happening, text: expect.stringContaining(reason) })
})

test('a refusal that its policy has no words for is told by the title of its reason', () => {
  const bench = new Bench()
  const ex = bench.exchange()
  ex.refused({ now: () => 1000 }, 'some', 'bulkhead_full', 'enforce', 'app')
  bench.end(ex, 503, 'bulkhead_full', 'sluice')
  expect(bench.flights[0]?.timeline[1]).toEqual({
    atMs: 0,
    kind: 'refused',
    policy: 'some',
    reason: 'bulkhead_full',
    upstream: 'app',
    text: 'no attempt at app: too many requests are in flight',
  })
})

test('the story has the attempts of the route that a fallback asked', () => {
  const bench = new Bench()
  const ex = bench.exchange()
  ex.begin(madeAttempt(1, ended('connect_refused'), 1000))
  const side = ex.under({ name: 'other', record: undefined }, 1005, 0)
  side.begin(madeAttempt(1, answered(503), 1010))
  side.note({ at: 1012, kind: 'decided', decision: 'no_more', facts: {}, row: ROW })
  bench.clock.advance(20)
  bench.end(ex, 502, 'connect_refused')
  expect(bench.flights[0]?.timeline.map(({ atMs, kind }) => [atMs, kind])).toEqual([
    [0, 'received'],
    [0, 'attempt'],
    [10, 'attempt'],
    [12, 'decided'],
    [20, 'failed'],
    [20, 'ended'],
  ])
})

test('the story tells the routes that it went on under, and what features asked for it', () => {
  const bench = new Bench()
  const ex = bench.exchange()
  ex.note({ at: 1000, kind: 'rerouted', from: 'orders', to: 'backup', hindrance: undefined })
  ex.note({ at: 1000, kind: 'rerouted', from: 'backup', to: 'orders', hindrance: 'loop' })
  const called = { kind: 'called', feature: 'auth', what: 'call', to: 'users', ms: 12 } as const
  ex.note({ at: 1000, ...called, status: 204, reason: undefined })
  ex.note({ at: 1000, ...called, status: 0, reason: 'breaker_open' })
  bench.end(ex, 502, 'connect_refused')
  expect(bench.flights[0]?.timeline.slice(1, 5).map(({ text }) => text)).toEqual([
    'goes on from route orders to route backup',
    'cannot go on from route backup to route orders: it had that one before, or too many others',
    'call of auth to users: 204 after 12 ms',
    'call of auth to users: breaker_open after 12 ms',
  ])
  expect(bench.flights[0]?.timeline[4]).toMatchObject({
    kind: 'called',
    status: 0,
    reason: 'breaker_open',
    durationMs: 12,
  })
})

test('a single attempt that was fine makes no list of attempts', () => {
  const ex = madeExchange()
  ex.begin(madeAttempt(1, OK))
  expect([ex.attemptList, ex.notes]).toEqual([undefined, undefined])
})

describe('taps', () => {
  test('see what they ask for, as long as there are any', () => {
    const bench = new Bench()
    bench.end(bench.exchange('/before'), 200)
    bench.recorder.tap([
      { ...ANY, status: [500, 599] },
      { ...ANY, route: 'orders', method: 'GET', status: [200, 200] },
    ])
    bench.end(bench.exchange('/one'), 200)
    bench.end(bench.exchange('/two'), 302)
    bench.end(bench.exchange('/three'), 503, 'breaker_open')
    bench.recorder.tap([])
    bench.end(bench.exchange('/after'), 200)
    expect(bench.shown.requests.map(({ path, why }) => [path, why])).toEqual([
      ['/one', null],
      ['/three', 'failed'],
    ])
  })

  test('200 a second; the rest is counted', () => {
    const bench = new Bench()
    bench.recorder.tap([ANY])
    for (let i = 0; i < 250; i++) bench.end(bench.exchange(), 200)
    const { requests, lost } = bench.shown
    expect([requests.length, lost]).toEqual([200, 50])
  })
})
