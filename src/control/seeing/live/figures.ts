import type { AnyFeature } from '../../../core/feature.ts'
import { BUCKETS } from '../../../core/metrics.ts'
import { PressureWord } from '../../../core/pressure.ts'
import type { LeanRoute } from '../../../core/protocol.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { EndpointState, WorkerState } from '../../contract.ts'
import type { EndpointBook } from '../../endpoints/book.ts'
import { endpointState, panics } from '../../endpoints/state.ts'
import type { CellRegistry } from '../../registry/registry.ts'
import type { Crew } from '../../workers/crew.ts'
import { type Lasting, type LastingShape, listsOf, type StateFacts, shapesOf, tablesOf } from '../../workers/lasting.ts'
import type { Notices } from '../../workers/notices.ts'
import type { MetricsRegistry } from '../metrics/metrics-registry.ts'
import { routeFigures as figuresOf } from '../metrics/route-gauges.ts'

/** How long something took so far. Counts only grow: the difference of two answers is what happened in between. */
export interface LatencyFigures {
  readonly count: number
  /** Seconds, all together. */
  readonly sum: number
  /**
   * Upper bound in seconds (null: above all of them) and how many fell between it and the one before; empty ones left out.
   */
  readonly buckets: readonly (readonly [le: number | null, count: number])[]
}

/** A route, or `-` for requests that matched none. */
export interface RouteFigures {
  readonly name: string
  readonly requests: number
  /** Those answered with a status from 500 on. */
  readonly errors: number
  /** By class: `2xx`. 499 counts as `4xx`: the client had gone. */
  readonly statuses: Readonly<Record<string, number>>
  readonly degraded: number
  readonly retries: number
  readonly hedges: number
  /** Refused by a policy. */
  readonly rejected: number
  readonly latency: LatencyFigures
  readonly inFlight: number
  /** Wait for a permit of the bulkhead now. */
  readonly queued: number
  /** Permits that are held, and all permits; null: no bulkhead. */
  readonly permits: number | null
  readonly limit: number | null
  /** Open ones, tunnels among them. */
  readonly streams: number
  readonly tunnels: number
  /** Managed WebSockets whose upstream is being replaced; null: the route has none. */
  readonly reconnecting: number | null
}

export interface EndpointFigures {
  readonly endpoint: string
  readonly state: EndpointState
  /** What the state means, why it came and what follows. */
  readonly text: string
  readonly inFlight: number
  readonly connections: number
  readonly attempts: number
  readonly failures: number
}

export interface UpstreamFigures {
  readonly name: string
  readonly attempts: number
  /** Attempts that did not end well; those that were given up are not among them. */
  readonly failures: number
  readonly latency: LatencyFigures
  /** Further attempts that the retry budget did not allow. */
  readonly budgetExhausted: number
  /** How often, and how long it was without a usable endpoint. */
  readonly recovery: LatencyFigures
  readonly panic: boolean
  /** Milliseconds after which it ends idle connections, if sooner than Sluice would; null: not as far as is known. */
  readonly idleLimitMs: number | null
  readonly endpoints: readonly EndpointFigures[]
}

export interface WorkerFigures {
  readonly worker: number
  readonly state: WorkerState
  /** Busy share of its event loop, 0 to 1. */
  readonly utilization: number
  /** 0 calm to 3, see `sluice_overload_stage`. */
  readonly overload: number
}

/**
 * How everything is. Counters begin at 0 with the process (`uptimeMs` tells); those of attempts lose the part of
 * endpoints that left, five minutes later.
 */
export interface LiveFigures {
  readonly gateway: string
  /** Milliseconds since the epoch, and since the start of the process. */
  readonly at: number
  readonly uptimeMs: number
  readonly generation: number
  readonly hash: string | null
  readonly routes: readonly RouteFigures[]
  readonly upstreams: readonly UpstreamFigures[]
  readonly states: readonly StateFacts[]
  readonly workers: readonly WorkerFigures[]
}

export interface FigureSources {
  readonly clock: Clock
  readonly metrics: Pick<MetricsRegistry, 'read'>
  readonly features: readonly AnyFeature[]
  readonly registry: CellRegistry
  readonly book: Pick<EndpointBook, 'upstreams'>
  readonly crew: Pick<Crew, 'present'>
  readonly notices: Pick<Notices, 'idleLimit'>
  readonly states: Iterable<StateFacts>
  readonly why: Lasting['endpoint']
  readonly gateway: string
  /** Of the live config; undefined: none is live yet. */
  readonly live:
    | { readonly generation: number; readonly hash: string; readonly routes: readonly LeanRoute[] }
    | undefined
}

const NONE = '-'

/** What every route and upstream of the live config has counted so far, and how they are now. */
export function liveFigures(sources: FigureSources): LiveFigures {
  const { clock, gateway, live, states } = sources
  return {
    gateway,
    at: clock.wall(),
    uptimeMs: Math.round(clock.now()),
    generation: live?.generation ?? 0,
    hash: live?.hash ?? null,
    routes: routeFigures(sources),
    upstreams: upstreamFigures(sources),
    states: [...states],
    workers: workerFigures(sources),
  }
}

/** The body of `/api/v1/live`: what lasts is in lists, each by the name that its feature gives it. */
export type LiveBody = Omit<LiveFigures, 'states'> & {
  readonly lasting: Readonly<Record<string, LastingShape>>
} & Readonly<Record<string, unknown>>

export function liveBody({ states, ...figures }: LiveFigures, features: readonly AnyFeature[]): LiveBody {
  return { ...figures, lasting: shapesOf(tablesOf(features)), ...listsOf(features, states) }
}

function routeFigures({ features, live, metrics, registry }: FigureSources): RouteFigures[] {
  const requests = byStatus(metrics)
  const degraded = new Sums(metrics, 'sluice_degraded_total', ({ route }) => route)
  const retries = new Sums(metrics, 'sluice_retries_total', ({ route }) => route)
  const hedges = new Sums(metrics, 'sluice_hedges_total', ({ route }) => route)
  const rejected = new Sums(metrics, 'sluice_rejections_total', ({ route, mode }) =>
    mode === 'enforce' ? route : undefined,
  )
  const latency = new Sums(metrics, 'sluice_request_duration_seconds', ({ route }) => route)
  const counted = (name: string) => ({
    name,
    ...(requests.get(name) ?? { requests: 0, errors: 0, statuses: {} }),
    degraded: degraded.count(name),
    retries: retries.count(name),
    hedges: hedges.count(name),
    rejected: rejected.count(name),
    latency: latency.latency(name),
  })
  const figures = (live?.routes ?? []).map(
    (route) =>
      ({
        ...counted(route.name),
        inFlight: registry.sum(route.cells.inFlight),
        ...figuresOf(route, features, registry),
      }) as RouteFigures,
  )
  if (!requests.has(NONE)) return figures
  const nothing = { inFlight: 0, queued: 0, permits: null, limit: null, streams: 0, tunnels: 0, reconnecting: null }
  return [...figures, { ...counted(NONE), ...nothing }]
}

function upstreamFigures({ features, book, metrics, notices, registry, why }: FigureSources): UpstreamFigures[] {
  const attempts = attemptsOf(metrics)
  const latency = new Sums(metrics, 'sluice_attempt_duration_seconds', ({ upstream }) => upstream)
  const spent = new Sums(metrics, 'sluice_retry_budget_exhausted_total', ({ upstream }) => upstream)
  const recovery = new Sums(metrics, 'sluice_recovery_seconds', ({ upstream }) => upstream)
  return Array.from(book.upstreams, ({ config, set }) => {
    const { upstream: name, endpoints } = set
    return {
      name,
      attempts: latency.latency(name).count,
      failures: attempts.get(name)?.failures ?? 0,
      latency: latency.latency(name),
      budgetExhausted: spent.count(name),
      recovery: recovery.latency(name),
      panic: panics(registry, features, config, set),
      idleLimitMs: notices.idleLimit(config) ?? null,
      endpoints: endpoints.map(({ id, cells }) => {
        const state = endpointState(registry, cells)
        return {
          endpoint: id,
          state,
          text: why(name, id, state).text,
          inFlight: registry.sum(cells.inFlight),
          connections: registry.sum(cells.connections),
          ...(attempts.get(`${name} ${id}`) ?? { attempts: 0, failures: 0 }),
        }
      }),
    }
  })
}

function workerFigures({ crew, registry }: FigureSources): WorkerFigures[] {
  return crew.present.map(({ worker, state, utilization, pressure }) => ({
    worker,
    state,
    utilization: Math.round(utilization * 1000) / 1000,
    overload: Atomics.load(registry.words(pressure), pressure.slot + PressureWord.judged),
  }))
}

/** By route; read in one go, since there are many. */
function byStatus(metrics: FigureSources['metrics']) {
  const routes = new Map<string, { requests: number; errors: number; readonly statuses: Record<string, number> }>()
  for (const { labels, slots } of metrics.read('sluice_requests_total')) {
    const { route = NONE, status = '' } = labels
    let counts = routes.get(route)
    if (counts === undefined) {
      counts = { requests: 0, errors: 0, statuses: {} }
      routes.set(route, counts)
    }
    const count = slots[0] as number
    const kind = `${status[0]}xx`
    counts.requests += count
    if (kind === '5xx') counts.errors += count
    counts.statuses[kind] = (counts.statuses[kind] ?? 0) + count
  }
  return routes
}

/** By upstream, and by upstream and endpoint. */
function attemptsOf(metrics: FigureSources['metrics']) {
  const byKey = new Map<string, { attempts: number; failures: number }>()
  const add = (key: string, count: number, failed: boolean): void => {
    const { attempts, failures } = byKey.get(key) ?? { attempts: 0, failures: 0 }
    byKey.set(key, { attempts: attempts + count, failures: failures + (failed ? count : 0) })
  }
  for (const { labels, slots } of metrics.read('sluice_attempts_total')) {
    const { endpoint, outcome, upstream = '' } = labels
    const failed = outcome !== 'ok' && outcome !== 'ignored'
    add(upstream, slots[0] as number, failed)
    add(`${upstream} ${endpoint}`, slots[0] as number, failed)
  }
  return byKey
}

/** The series of a metric, added up by what `keyOf` makes of their labels. */
class Sums {
  private readonly sums = new Map<string, Float64Array>()

  constructor(
    metrics: Pick<MetricsRegistry, 'read'>,
    metric: string,
    keyOf: (labels: Readonly<Record<string, string>>) => string | undefined,
  ) {
    for (const { labels, slots } of metrics.read(metric)) {
      const key = keyOf(labels)
      if (key === undefined) continue
      const sum = this.sums.get(key)
      if (sum === undefined) this.sums.set(key, slots)
      else for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (slots[i] as number)
    }
  }

  count(key: string): number {
    return this.sums.get(key)?.[0] ?? 0
  }

  latency(key: string): LatencyFigures {
    const slots = this.sums.get(key)
    if (slots === undefined) return { count: 0, sum: 0, buckets: [] }
    const buckets: [number | null, number][] = []
    let count = 0
    for (let i = 0; i <= BUCKETS.length; i++) {
      const inside = slots[i] as number
      if (inside > 0) buckets.push([BUCKETS[i] ?? null, inside])
      count += inside
    }
    return { count, sum: slots[slots.length - 1] as number, buckets }
  }
}
