import { describe, expect, test } from 'vitest'
import type {
  LatencyFigures,
  LiveFigures,
  RouteFigures,
  UpstreamFigures,
} from '../../../../../src/control/seeing/live/figures.ts'
import { ROUTE_FIELDS, type Row, UPSTREAM_FIELDS } from '../../../../../src/control/seeing/live/rows.ts'
import { LiveWindow } from '../../../../../src/control/seeing/live/window.ts'

const NONE: LatencyFigures = { count: 0, sum: 0, buckets: [] }

function route(part: Partial<RouteFigures> = {}): RouteFigures {
  return {
    name: 'r',
    requests: 0,
    errors: 0,
    statuses: {},
    degraded: 0,
    retries: 0,
    hedges: 0,
    rejected: 0,
    latency: NONE,
    inFlight: 0,
    queued: 0,
    permits: null,
    limit: null,
    streams: 0,
    tunnels: 0,
    reconnecting: null,
    ...part,
  }
}

function figures(uptimeMs: number, routes: readonly RouteFigures[], upstreams: readonly UpstreamFigures[] = []) {
  return {
    gateway: 'g',
    at: uptimeMs,
    uptimeMs,
    generation: 1,
    hash: 'h',
    routes,
    upstreams,
    states: [],
    workers: [],
  } as LiveFigures
}

const field = (row: Row | undefined, name: (typeof ROUTE_FIELDS)[number]) => row?.[ROUTE_FIELDS.indexOf(name)]

describe('the window', () => {
  test('tells rates and quantiles of the latest 5 s, not of all time', () => {
    const window = new LiveWindow()
    const old: LatencyFigures = { count: 100, sum: 500, buckets: [[5, 100]] }
    window.look(figures(0, [route({ statuses: { '2xx': 100 }, latency: old })]))
    const both: LatencyFigures = {
      count: 110,
      sum: 501,
      buckets: [
        [0.1, 10],
        [5, 100],
      ],
    }
    const { routes, total } = window.look(
      figures(5_000, [route({ statuses: { '2xx': 105, '5xx': 5 }, latency: both, inFlight: 3 })]),
    )
    const row = routes.get('r')
    expect([field(row, '2xx'), field(row, '5xx'), field(row, 'inFlight')]).toEqual([1, 1, 3])
    // All ten fell between 75 and 100 ms: in the middle of that.
    expect(field(row, 'p50')).toBeCloseTo(87.5)
    expect(field(row, 'p99')).toBeCloseTo(99.8, 0)
    expect(total).toEqual(row)
  })

  test('adds routes up, and has no quantile of nothing', () => {
    const window = new LiveWindow()
    const at = (a: number, b: number) => [
      route({ name: 'a', statuses: { '2xx': a }, queued: 1 }),
      route({ name: 'b', statuses: { '2xx': b }, queued: 2 }),
    ]
    window.look(figures(0, at(0, 0)))
    const { total } = window.look(figures(5_000, at(10, 20)))
    expect([field(total, '2xx'), field(total, 'queued'), field(total, 'p50')]).toEqual([6, 3, null])
  })

  test('slides: a second later the base is a second later, too', () => {
    const window = new LiveWindow()
    const at = (second: number) => figures(second * 1_000, [route({ statuses: { '2xx': second < 3 ? 0 : 100 } })])
    for (let second = 0; second <= 7; second++) window.look(at(second))
    expect(field(window.look(at(8)).routes.get('r'), '2xx')).toBe(0)
  })

  test('a route that is new, and counters that shrink, give nothing odd', () => {
    const window = new LiveWindow()
    const upstream = (attempts: number): UpstreamFigures => ({
      name: 'u',
      attempts,
      failures: attempts,
      latency: NONE,
      budgetExhausted: 0,
      recovery: NONE,
      panic: false,
      idleLimitMs: null,
      endpoints: [{ endpoint: 'e', state: 'usable', text: '', inFlight: 2, connections: 3, attempts, failures: 0 }],
    })
    window.look(figures(0, [], [upstream(50)]))
    const { endpoints, routes, upstreams } = window.look(
      figures(5_000, [route({ statuses: { '2xx': 40 } })], [upstream(10)]),
    )
    expect(field(routes.get('r'), '2xx')).toBe(0)
    const row = upstreams.get('u') as Row
    expect(UPSTREAM_FIELDS.map((name, i) => [name, row[i]])).toContainEqual(['attempts', 0])
    expect(UPSTREAM_FIELDS.map((name, i) => [name, row[i]])).toContainEqual(['connections', 3])
    expect(endpoints.get('u e')).toEqual([0, 0])
  })
})
