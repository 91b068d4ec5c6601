import { describe, expect, test } from 'vitest'
import { ratesOf } from '../../../src/cli/top-rates.ts'
import { headline, tables } from '../../../src/cli/top-view.ts'
import type {
  LatencyFigures,
  LiveBody,
  RouteFigures,
  UpstreamFigures,
} from '../../../src/control/seeing/live/figures.ts'
import { shapesOf, tablesOf } from '../../../src/control/workers/lasting.ts'
import { FEATURES } from '../../../src/features/index.ts'

const LASTING = shapesOf(tablesOf(FEATURES))
const NO_LATENCY: LatencyFigures = { count: 0, sum: 0, buckets: [] }

function route(name: string, facts: Partial<RouteFigures> = {}): RouteFigures {
  const counts = { requests: 0, errors: 0, statuses: {}, degraded: 0, retries: 0, hedges: 0, rejected: 0 }
  const now = { inFlight: 0, queued: 0, permits: null, limit: null, streams: 0 }
  return { name, ...counts, latency: NO_LATENCY, ...now, ...facts } as RouteFigures
}

function upstream(name: string, facts: Partial<UpstreamFigures> = {}): UpstreamFigures {
  const counts = { attempts: 0, failures: 0, latency: NO_LATENCY, budgetExhausted: 0, recovery: NO_LATENCY }
  return { name, ...counts, panic: false, endpoints: [], ...facts } as UpstreamFigures
}

function live(uptimeMs: number, facts: Partial<LiveBody> = {}): LiveBody {
  const now = { gateway: 'edge', at: 0, generation: 1, hash: 'abcdef0123', breakers: [], lasting: LASTING, workers: [] }
  return { ...now, uptimeMs, routes: [], upstreams: [], ...facts } as LiveBody
}

const routeRates = (before: RouteFigures, after: RouteFigures) =>
  ratesOf(live(1000, { routes: [before] }), live(3000, { routes: [after] })).routes[0]

describe('rates', () => {
  test('are what happened in between, a second', () => {
    const before = route('a', { requests: 100, errors: 10, retries: 4, rejected: 1 })
    const after = route('a', { requests: 120, errors: 15, retries: 5, rejected: 1, inFlight: 3 })
    expect(routeRates(before, after)).toMatchObject({ rate: 10, errorRatio: 0.25, retryRate: 0.5, inFlight: 3 })
    const total = ratesOf(
      live(1000, { routes: [before] }),
      live(3000, { routes: [after, route('b', { requests: 20 })] }),
    )
    expect(total).toMatchObject({ seconds: 2, rate: 20, errorRatio: 0.125 })
  })

  test('without any request there is no share of errors', () => {
    expect(routeRates(route('a', { requests: 7 }), route('a', { requests: 7 }))).toMatchObject({
      rate: 0,
      errorRatio: null,
      p50Ms: null,
    })
  })

  test('of another process than before: none, and what is now', () => {
    const before = live(60_000, { routes: [route('a', { requests: 1000 })] })
    const after = live(500, { routes: [route('a', { requests: 5, inFlight: 2 })] })
    expect(ratesOf(before, after).routes[0]).toMatchObject({ rate: 0, inFlight: 2 })
  })

  test('never fall below 0 where the series of an endpoint went', () => {
    const before = live(1000, { upstreams: [upstream('u', { attempts: 10, failures: 9 })] })
    const after = live(2000, { upstreams: [upstream('u', { attempts: 20, failures: 0 })] })
    expect(ratesOf(before, after).upstreams[0]).toMatchObject({ rate: 10, failureRatio: 0 })
  })
})

describe('quantiles', () => {
  const quantiles = (before: LatencyFigures['buckets'], after: LatencyFigures['buckets']) => {
    const { p50Ms, p99Ms } = routeRates(
      route('a', { latency: { ...NO_LATENCY, buckets: before } }),
      route('a', { latency: { ...NO_LATENCY, buckets: after } }),
    ) as NonNullable<ReturnType<typeof routeRates>>
    return [p50Ms, p99Ms]
  }

  test('lie within their bucket, evenly', () => {
    const [p50, p99] = quantiles([], [[0.01, 100]])
    expect(p50).toBeCloseTo(7.5)
    expect(p99).toBeCloseTo(9.95)
  })

  test('are of what came in between', () => {
    const [p50, p99] = quantiles(
      [[0.005, 1_000_000]],
      [
        [0.005, 1_000_000],
        [0.1, 50],
        [1, 50],
      ],
    )
    expect(p50).toBeCloseTo(100)
    expect(p99).toBeCloseTo(995)
  })

  test('above the last bound count as that', () => {
    expect(quantiles([], [[null, 3]])).toEqual([60_000, 60_000])
  })
})

describe('the tables', () => {
  const rates = ratesOf(
    live(1000),
    live(2000, {
      routes: [
        route('calm', { requests: 1 }),
        route('busy', { requests: 50, queued: 1 }),
        route('odd\x1b[31m', { requests: 2, errors: 2, inFlight: 4, limit: 9 }),
      ],
      upstreams: [
        upstream('up', {
          endpoints: [
            {
              endpoint: 'http://10.0.0.1:80',
              state: 'usable',
              text: 'it gets requests',
              inFlight: 0,
              connections: 0,
              attempts: 0,
              failures: 0,
            },
            {
              endpoint: 'http://10.0.0.2:80',
              state: 'ejected',
              text: 'its attempts failed',
              inFlight: 0,
              connections: 0,
              attempts: 0,
              failures: 0,
            },
          ],
        }),
        upstream('none'),
      ],
      breakers: [{ route: 'calm', upstream: 'up', state: 'half_open' }],
    }),
  )
  const rows = Number.POSITIVE_INFINITY
  const names = (sort: Parameters<typeof tables>[1]['sort'], filter = ''): string[] =>
    tables(rates, { sort, filter, rows })
      .map(({ text }) => text.split(' ')[0] as string)
      .filter((name) => ['calm', 'busy'].includes(name) || name.startsWith('odd'))

  test('are sorted and filtered', () => {
    expect(names('rate').map((name) => name.slice(0, 3))).toEqual(['bus', 'odd', 'cal'])
    expect(names('errors').map((name) => name.slice(0, 3))).toEqual(['odd', 'bus', 'cal'])
    expect(names('queue')[0]).toBe('busy')
    expect(names('name')[0]).toBe('busy')
    expect(names('rate', 'al')).toEqual(['calm'])
  })

  test('say what is bad in words, and nothing that a terminal would obey', () => {
    const lines = tables(rates, { sort: 'name', filter: '', rows })
    const find = (text: string) => lines.find((line) => line.text.startsWith(text))
    expect(find('calm')).toMatchObject({ tone: 'warn', text: expect.stringMatching(/half_open$/) })
    expect(find('odd')).toMatchObject({ tone: 'bad', text: expect.stringContaining('4/9') })
    expect(find('  http://10.0.0.2:80')).toMatchObject({ tone: 'warn', text: expect.stringContaining('ejected') })
    expect(find('  http://10.0.0.1:80')).toBeUndefined()
    expect(find('none')).toMatchObject({ tone: 'bad', text: expect.stringContaining('0/0') })
    expect(lines.map(({ text }) => text).join('')).not.toContain('\x1b')
  })

  test('say how much did not fit', () => {
    const lines = tables(rates, { sort: 'rate', filter: '', rows: 2 }).map(({ text }) => text)
    expect(lines[2]).toBe('… 2 more')
    expect(lines).toHaveLength(7)
  })

  test('the headline', () => {
    expect(headline(rates)).toBe('edge  config abcdef01 (1)  workers 0/0, busy 0%  53.0 req/s, 3.8% errors')
  })
})
