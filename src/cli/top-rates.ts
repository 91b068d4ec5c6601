import type {
  EndpointFigures,
  LatencyFigures,
  LiveBody,
  RouteFigures,
  UpstreamFigures,
} from '../control/seeing/live/figures.ts'
import { bucketCounts, bucketQuantile } from '../control/seeing/metrics/quantile.ts'
import type { LastingShape } from '../control/workers/lasting.ts'
import type { StateRow } from '../core/state-table.ts'

/** Rates are per second; ratios from 0 to 1; null: nothing happened. */
export interface RouteRates {
  readonly name: string
  readonly rate: number
  readonly errorRatio: number | null
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly inFlight: number
  readonly queued: number
  readonly limit: number | null
  readonly streams: number
  readonly tunnels: number
  readonly retryRate: number
  readonly rejectedRate: number
  readonly degradedRate: number
}

export interface EndpointRates {
  readonly endpoint: string
  readonly state: string
  readonly inFlight: number
  readonly rate: number
  readonly failureRatio: number | null
}

export interface UpstreamRates {
  readonly name: string
  readonly rate: number
  readonly failureRatio: number | null
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly panic: boolean
  readonly endpoints: readonly EndpointRates[]
}

/** What lasts of one kind. */
export interface LastingList {
  /** Its name in answers. */
  readonly list: string
  readonly shape: LastingShape
  readonly rows: readonly StateRow[]
}

/** What happened between two answers of the gateway, and how it is now. */
export interface Rates {
  readonly gateway: string
  readonly hash: string | null
  readonly generation: number
  readonly seconds: number
  readonly rate: number
  readonly errorRatio: number | null
  readonly routes: readonly RouteRates[]
  readonly upstreams: readonly UpstreamRates[]
  readonly lasting: readonly LastingList[]
  readonly workers: LiveBody['workers']
}

/** Where another process answers than before, only how it is now. */
export function ratesOf(before: LiveBody, after: LiveBody): Rates {
  const same = after.uptimeMs > before.uptimeMs
  const from = same ? before : after
  const seconds = same ? (after.uptimeMs - before.uptimeMs) / 1000 : 1
  const { gateway, generation, hash, workers } = after
  const formerRoutes = new Map(from.routes.map((route) => [route.name, route]))
  const formerUpstreams = new Map(from.upstreams.map((upstream) => [upstream.name, upstream]))
  const requests = total(after.routes, 'requests') - total(from.routes, 'requests')
  const errors = total(after.routes, 'errors') - total(from.routes, 'errors')
  return {
    gateway,
    hash,
    generation,
    seconds,
    rate: Math.max(0, requests) / seconds,
    errorRatio: ratio(errors, requests),
    routes: after.routes.map((route) => routeRates(formerRoutes.get(route.name), route, seconds)),
    upstreams: after.upstreams.map((upstream) => upstreamRates(formerUpstreams.get(upstream.name), upstream, seconds)),
    lasting: Object.entries(after.lasting).map(([list, shape]) => ({
      list,
      shape,
      rows: after[list] as readonly StateRow[],
    })),
    workers,
  }
}

function routeRates(before: RouteFigures | undefined, after: RouteFigures, seconds: number): RouteRates {
  const more = (key: 'requests' | 'errors' | 'retries' | 'rejected' | 'degraded'): number =>
    Math.max(0, after[key] - (before?.[key] ?? 0))
  return {
    name: after.name,
    rate: more('requests') / seconds,
    errorRatio: ratio(more('errors'), more('requests')),
    ...quantiles(before?.latency, after.latency),
    inFlight: after.inFlight,
    queued: after.queued,
    limit: after.limit,
    streams: after.streams,
    tunnels: after.tunnels,
    retryRate: more('retries') / seconds,
    rejectedRate: more('rejected') / seconds,
    degradedRate: more('degraded') / seconds,
  }
}

function upstreamRates(before: UpstreamFigures | undefined, after: UpstreamFigures, seconds: number): UpstreamRates {
  const attempts = after.attempts - (before?.attempts ?? 0)
  const former = new Map(before?.endpoints.map((endpoint) => [endpoint.endpoint, endpoint]))
  return {
    name: after.name,
    rate: Math.max(0, attempts) / seconds,
    failureRatio: ratio(after.failures - (before?.failures ?? 0), attempts),
    ...quantiles(before?.latency, after.latency),
    panic: after.panic,
    endpoints: after.endpoints.map((endpoint) => endpointRates(former.get(endpoint.endpoint), endpoint, seconds)),
  }
}

function endpointRates(before: EndpointFigures | undefined, after: EndpointFigures, seconds: number): EndpointRates {
  const { endpoint, inFlight, state } = after
  const attempts = after.attempts - (before?.attempts ?? 0)
  const failureRatio = ratio(after.failures - (before?.failures ?? 0), attempts)
  return { endpoint, state, inFlight, rate: Math.max(0, attempts) / seconds, failureRatio }
}

function quantiles(before: LatencyFigures | undefined, after: LatencyFigures) {
  const former = bucketCounts(before?.buckets ?? [])
  const counts = bucketCounts(after.buckets).map((count, i) => Math.max(0, count - (former[i] as number)))
  return { p50Ms: milliseconds(bucketQuantile(counts, 0.5)), p99Ms: milliseconds(bucketQuantile(counts, 0.99)) }
}

function milliseconds(seconds: number | undefined): number | null {
  return seconds === undefined ? null : 1000 * seconds
}

function ratio(part: number, whole: number): number | null {
  return whole > 0 ? Math.min(1, Math.max(0, part / whole)) : null
}

function total(routes: readonly RouteFigures[], key: 'requests' | 'errors'): number {
  return routes.reduce((sum, route) => sum + route[key], 0)
}
