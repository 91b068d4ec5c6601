import type { LiveFigures } from './figures.ts'
import { type Counted, type Row, routeCounted, routeRow, total, upstreamCounted, upstreamRow } from './rows.ts'

/** Rates and quantiles are of the latest 5 s: short enough to see a failure, long enough to be read. */
const WINDOW_MS = 5_000
/** Ticks are not exact. */
const TOLERANCE_MS = 500

/** Rows by name, now. */
export interface Rows {
  readonly total: Row
  readonly routes: ReadonlyMap<string, Row>
  readonly upstreams: ReadonlyMap<string, Row>
  /** Attempts and failures per second, by upstream and endpoint. */
  readonly endpoints: ReadonlyMap<string, readonly [attempts: number, failures: number]>
}

interface Sample {
  /** Uptime in milliseconds. */
  readonly at: number
  readonly total: Counted
  readonly routes: ReadonlyMap<string, Counted>
  readonly upstreams: ReadonlyMap<string, Counted>
  readonly endpoints: ReadonlyMap<string, Counted>
}

/** Turns counters into rates of the latest seconds. Keeps counts for as long as it needs them. */
export class LiveWindow {
  private samples: Sample[] = []

  look(figures: LiveFigures): Rows {
    const now = sampleOf(figures)
    const base = this.samples.findLast(({ at }) => now.at - at >= WINDOW_MS - TOLERANCE_MS) ?? this.samples[0] ?? now
    this.samples = [...this.samples.filter(({ at }) => at >= base.at), now]
    const seconds = Math.max(1, now.at - base.at) / 1000
    const gauges = { inFlight: 0, queued: 0, streams: 0 }
    const routes = new Map<string, Row>()
    for (const route of figures.routes) {
      gauges.inFlight += route.inFlight
      gauges.queued += route.queued
      gauges.streams += route.streams
      const counted = now.routes.get(route.name) as Counted
      routes.set(route.name, routeRow(counted, base.routes.get(route.name), seconds, route))
    }
    const upstreams = figures.upstreams.map(({ name, endpoints }) => {
      const counted = now.upstreams.get(name) as Counted
      return [name, upstreamRow(counted, base.upstreams.get(name), seconds, endpoints)] as const
    })
    const endpoints = Array.from(now.endpoints, ([key, counted]) => {
      const before = base.endpoints.get(key) ?? counted
      const gained = (i: number): number => Math.max(0, ((counted[i] as number) - (before[i] as number)) / seconds)
      return [key, [oneDigit(gained(0)), oneDigit(gained(1))]] as const
    })
    return {
      total: routeRow(now.total, base.total, seconds, gauges),
      routes,
      upstreams: new Map(upstreams),
      endpoints: new Map(endpoints),
    }
  }
}

/** Of an endpoint in {@link Rows}. */
export function endpointRowKey(upstream: string, endpoint: string): string {
  return `${upstream} ${endpoint}`
}

function sampleOf({ routes, upstreams, uptimeMs }: LiveFigures): Sample {
  const counted = new Map(routes.map((route) => [route.name, routeCounted(route)]))
  const endpoints = upstreams.flatMap(({ name, endpoints }) =>
    endpoints.map(
      ({ attempts, endpoint, failures }) =>
        [endpointRowKey(name, endpoint), Float64Array.of(attempts, failures)] as const,
    ),
  )
  return {
    at: uptimeMs,
    total: total(counted.values()),
    routes: counted,
    upstreams: new Map(upstreams.map((upstream) => [upstream.name, upstreamCounted(upstream)])),
    endpoints: new Map(endpoints),
  }
}

function oneDigit(value: number): number {
  return Math.round(value * 10) / 10
}
