import { describe, expect, test } from 'vitest'
import { PAGE_BYTES } from '../../../../src/cells/pages.ts'
import { CellSpace } from '../../../../src/cells/space.ts'
import { MetricsRegistry } from '../../../../src/control/seeing/metrics/metrics-registry.ts'
import type { Exchange } from '../../../../src/core/exchange.ts'
import { failure, type Reason } from '../../../../src/core/failures.ts'
import { ended, answered as statusVerdict } from '../../../../src/core/outcome.ts'
import { WorkerMetrics } from '../../../../src/core/series.ts'
import { AccessLog } from '../../../../src/data/seeing/access-log.ts'
import { Recorder } from '../../../../src/data/seeing/recorder.ts'
import { FEATURES } from '../../../../src/features/index.ts'
import { systemClock } from '../../../../src/lib/clock.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { madeAttempt, madeExchange, OK } from './made-exchange.ts'

const HEAD = {
  generation: 3,
  gateway: { name: 'edge-eu' },
  metrics: { endpointSeries: 1024 },
  flightRecorder: undefined,
  accessLog: { format: 'json', maskHeaders: [], showQuery: [] } as const,
}
const NO_MATCH = { queryKeys: new Set<string>(), headerNames: [] }

class Bench {
  readonly clock = new ManualClock(1000)
  readonly registry = new MetricsRegistry(systemClock, FEATURES)
  readonly lines: Record<string, unknown>[] = []
  readonly recorder: Recorder

  constructor() {
    const page = { id: 1, kind: 'floats' as const, buffer: new SharedArrayBuffer(PAGE_BYTES) }
    this.registry.addPage(0, page)
    const metrics = new WorkerMetrics(new CellSpace(1, 0), [page], (message) => {
      if (message.type === 'series') this.registry.series(0, message)
    })
    const out = { write: (line: string) => this.lines.push(JSON.parse(line)) > 0 }
    this.recorder = new Recorder(metrics, new AccessLog(out, this.clock), this.clock)
    this.recorder.commit(HEAD)
  }

  exchange(request: Parameters<typeof madeExchange>[0] = {}, route: string | null = 'orders'): Exchange {
    const ex = madeExchange(request, this.clock.now())
    if (route !== null) ex.route = { name: route, record: this.recorder.route(route, NO_MATCH, HEAD) }
    return ex
  }

  async metric(name: string): Promise<string[]> {
    const { body } = await this.registry.expose()
    return body
      .toString()
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`))
      .map((line) => line.slice(name.length))
  }
}

function answered(ex: Exchange, status: number): Exchange {
  ex.sent = true
  ex.response = { status, headers: [] }
  return ex
}

function failed(ex: Exchange, reason: Reason): Exchange {
  ex.failure = failure(reason, 'connect', 'upstream')
  return ex
}

describe('the recorder', () => {
  test('counts by route, method, status and reason, and logs', async () => {
    const bench = new Bench()
    const { recorder } = bench
    recorder.finish(answered(bench.exchange(), 200))
    recorder.finish(answered(bench.exchange(), 200))
    recorder.finish(answered(bench.exchange({ method: 'POST' }), 201))
    recorder.finish(failed(bench.exchange(), 'client_gone'))
    recorder.finish(failed(answered(bench.exchange(), 502), 'connect_refused'))
    expect(await bench.metric('sluice_requests_total')).toEqual([
      '{route="orders",method="GET",status="200",reason="-"} 2',
      '{route="orders",method="POST",status="201",reason="-"} 1',
      '{route="orders",method="GET",status="499",reason="client_gone"} 1',
      '{route="orders",method="GET",status="502",reason="connect_refused"} 1',
    ])
    expect(bench.lines.map(({ status, reason }) => [status, reason])).toEqual([
      [200, undefined],
      [200, undefined],
      [201, undefined],
      [499, 'client_gone'],
      [502, 'connect_refused'],
    ])
  })

  test('a client that leaves after the head got the status that was sent', () => {
    const bench = new Bench()
    bench.recorder.finish(failed(answered(bench.exchange(), 200), 'client_gone'))
    expect(bench.lines[0]).toMatchObject({ status: 200, reason: 'client_gone' })
  })

  test('methods that clients make up are one label', async () => {
    const bench = new Bench()
    for (const method of ['BREW', 'get', 'PROPFIND']) {
      bench.recorder.finish(answered(bench.exchange({ method }), 200))
    }
    expect(await bench.metric('sluice_requests_total')).toEqual([
      '{route="orders",method="OTHER",status="200",reason="-"} 3',
    ])
  })

  test('without a route it is "-", with the generation that is live', async () => {
    const bench = new Bench()
    bench.recorder.finish(failed(bench.exchange({}, null), 'no_route'))
    bench.recorder.commit({ ...HEAD, generation: 4 })
    bench.recorder.finish(failed(bench.exchange({}, null), 'no_route'))
    expect(await bench.metric('sluice_requests_total')).toEqual([
      '{route="-",method="GET",status="404",reason="no_route"} 2',
    ])
    expect(bench.lines.map(({ generation }) => generation)).toEqual([3, 4])
    expect(bench.lines[0]).not.toHaveProperty('route')
  })

  test('what a feature asks for is recorded apart', async () => {
    const bench = new Bench()
    const facts = { kind: 'call', feature: 'auth' } as const
    const ex = answered(bench.exchange({}, null), 204)
    ex.kind = 'side'
    ex.parentId = '0190aaaa-0000-7000-8000-00000000000f'
    ex.route = { name: '-', record: bench.recorder.side(facts, 'users') }
    bench.clock.advance(30)
    bench.recorder.finish(ex)
    bench.recorder.side(facts, 'users').missed('bulkhead_full')
    expect(bench.lines).toMatchObject([{ kind: 'call', feature: 'auth', parent: ex.parentId, status: 204 }])
    expect(await bench.metric('sluice_side_requests_total')).toEqual([
      '{feature="auth",kind="call",to="users",status="204",reason="-"} 1',
      '{feature="auth",kind="call",to="users",status="503",reason="bulkhead_full"} 1',
    ])
    expect(await bench.metric('sluice_side_request_duration_seconds_count')).toEqual([
      '{feature="auth",kind="call",to="users"} 1',
    ])
    expect(await bench.metric('sluice_requests_total')).toEqual([])
  })

  test('a request counts once, for the route that it matched, with those that it went on under', async () => {
    const bench = new Bench()
    const ex = answered(bench.exchange(), 200)
    ex.rerouted = ['backup', 'page']
    bench.recorder.finish(ex)
    expect(await bench.metric('sluice_requests_total')).toEqual([
      '{route="orders",method="GET",status="200",reason="-"} 1',
    ])
    expect(await bench.metric('sluice_reroutes_total')).toEqual([
      '{route="orders",to="backup"} 1',
      '{route="orders",to="page"} 1',
    ])
    expect(bench.lines).toMatchObject([{ route: 'orders', rerouted: ['backup', 'page'] }])
  })

  test('durations by class of status', async () => {
    const bench = new Bench()
    const ex = answered(bench.exchange(), 204)
    bench.clock.advance(30)
    bench.recorder.finish(ex)
    bench.recorder.finish(answered(bench.exchange(), 503))
    bench.recorder.finish(answered(bench.exchange(), 999))
    expect(await bench.metric('sluice_request_duration_seconds_sum')).toEqual([
      '{route="orders",status_class="2xx"} 0.03',
      '{route="orders",status_class="5xx"} 0',
      '{route="orders",status_class="other"} 0',
    ])
  })

  test('a new generation of a route goes on in the same series', async () => {
    const bench = new Bench()
    for (let i = 0; i < 3; i++) bench.recorder.finish(answered(bench.exchange(), 200))
    expect(await bench.metric('sluice_requests_total')).toHaveLength(1)
  })

  test('attempts by endpoint and outcome', async () => {
    const bench = new Bench()
    const refused = ended('connect_refused')
    const unavailable = statusVerdict(503)
    const gone = ended('client_gone')
    const startedAt = bench.clock.now()
    bench.clock.advance(250)
    bench.recorder.attempt(madeAttempt(1, refused, startedAt))
    bench.recorder.attempt(madeAttempt(2, unavailable, startedAt))
    bench.recorder.attempt(madeAttempt(3, OK, startedAt))
    bench.recorder.attempt(madeAttempt(1, gone, startedAt))
    const endpoint = 'upstream="orders",endpoint="http://10.0.0.1:8080"'
    expect(await bench.metric('sluice_attempts_total')).toEqual([
      `{${endpoint},outcome="connect"} 1`,
      `{${endpoint},outcome="503"} 1`,
      `{${endpoint},outcome="ok"} 1`,
      `{${endpoint},outcome="ignored"} 1`,
    ])
    expect(await bench.metric('sluice_attempt_duration_seconds_sum')).toEqual(['{upstream="orders"} 1'])
  })

  test('endpoints are bounded: the one used longest ago makes room', async () => {
    const bench = new Bench()
    const attempted = (n: number) => {
      const at = madeAttempt(1, OK, bench.clock.now())
      at.endpoint = `e${n}`
      bench.recorder.attempt(at)
      bench.clock.advance(1)
    }
    for (let n = 0; n < 1024; n++) attempted(n)
    attempted(0)
    attempted(1024)
    const lines = await bench.metric('sluice_attempts_total')
    const value = (n: number) => lines.find((line) => line.includes(`"e${n}"`))?.split(' ')[1]
    expect([0, 1, 2, 1024].map(value)).toEqual(['2', undefined, '1', '1'])
  })

  test('without a log it only counts', async () => {
    const bench = new Bench()
    const metrics = new WorkerMetrics(new CellSpace(1, 0), [], () => {})
    const recorder = new Recorder(metrics, undefined, bench.clock)
    recorder.commit(HEAD)
    recorder.finish(failed(bench.exchange({}, null), 'no_route'))
    expect(bench.lines).toEqual([])
  })
})
