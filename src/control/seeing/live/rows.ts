import { BUCKETS } from '../../../core/metrics.ts'
import { bucketCounts, bucketQuantile } from '../metrics/quantile.ts'
import type { LatencyFigures, RouteFigures, UpstreamFigures } from './figures.ts'

/** Fields of a route, and of all routes together: rates per second, milliseconds, and present values. */
export const ROUTE_FIELDS = [
  '2xx',
  '3xx',
  '4xx',
  '5xx',
  'p50',
  'p95',
  'p99',
  'inFlight',
  'queued',
  'streams',
  'retries',
  'degraded',
  'rejected',
] as const

/** The same of an upstream; `usable`: of its `endpoints`. */
export const UPSTREAM_FIELDS = [
  'attempts',
  'failures',
  'p50',
  'p95',
  'p99',
  'inFlight',
  'connections',
  'budgetExhausted',
  'usable',
  'endpoints',
] as const

/** Values in the order of the fields; null: no value, such as a quantile of no requests. */
export type Row = readonly (number | null)[]

/** What was counted at one time: counters, then buckets. */
export type Counted = Float64Array

const QUANTILES = [0.5, 0.95, 0.99] as const
const CLASSES = ['2xx', '3xx', '4xx', '5xx'] as const
const ROUTE_COUNTERS = CLASSES.length + 3
const UPSTREAM_COUNTERS = 3

export function routeCounted({ statuses, retries, degraded, rejected, latency }: RouteFigures): Counted {
  const counters = [...CLASSES.map((name) => statuses[name] ?? 0), retries, degraded, rejected]
  return counted(counters, latency)
}

export function upstreamCounted({ attempts, failures, budgetExhausted, latency }: UpstreamFigures): Counted {
  return counted([attempts, failures, budgetExhausted], latency)
}

/** All routes together. */
export function total(parts: Iterable<Counted>): Counted {
  const sum = new Float64Array(ROUTE_COUNTERS + BUCKETS.length + 1)
  for (const part of parts) for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (part[i] as number)
  return sum
}

/** `before`: the counts of `seconds` ago; undefined: none yet. */
export function routeRow(
  now: Counted,
  before: Counted | undefined,
  seconds: number,
  { inFlight, queued, streams }: Pick<RouteFigures, 'inFlight' | 'queued' | 'streams'>,
): Row {
  const gained = difference(now, before)
  const rates = Array.from(gained.subarray(0, ROUTE_COUNTERS), (count) => rounded(count / seconds))
  const quantiles = quantilesOf(gained.subarray(ROUTE_COUNTERS))
  return [...rates.slice(0, CLASSES.length), ...quantiles, inFlight, queued, streams, ...rates.slice(CLASSES.length)]
}

export function upstreamRow(
  now: Counted,
  before: Counted | undefined,
  seconds: number,
  endpoints: UpstreamFigures['endpoints'],
): Row {
  const gained = difference(now, before)
  const [attempts = 0, failures = 0, spent = 0] = Array.from(gained.subarray(0, UPSTREAM_COUNTERS), (count) =>
    rounded(count / seconds),
  )
  return [
    attempts,
    failures,
    ...quantilesOf(gained.subarray(UPSTREAM_COUNTERS)),
    endpoints.reduce((sum, { inFlight }) => sum + inFlight, 0),
    endpoints.reduce((sum, { connections }) => sum + connections, 0),
    spent,
    endpoints.filter(({ state }) => state === 'usable').length,
    endpoints.length,
  ]
}

function counted(counters: readonly number[], { buckets }: LatencyFigures): Counted {
  const values = new Float64Array(counters.length + BUCKETS.length + 1)
  values.set(counters)
  values.set(bucketCounts(buckets), counters.length)
  return values
}

/** Never below 0: attempts of endpoints that left are counted no more. */
function difference(now: Counted, before: Counted | undefined): Counted {
  return before === undefined
    ? new Float64Array(now.length)
    : now.map((count, i) => Math.max(0, count - (before[i] ?? 0)))
}

/** In milliseconds. */
function quantilesOf(buckets: Float64Array): (number | null)[] {
  return QUANTILES.map((share) => {
    const seconds = bucketQuantile(buckets, share)
    return seconds === undefined ? null : rounded(seconds * 1000)
  })
}

/** Three digits: smaller differences are not worth an update. */
function rounded(value: number): number {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(3))
}
