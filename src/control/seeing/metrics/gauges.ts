import type { CellRef } from '../../../cells/pages.ts'
import { ringDropped } from '../../../cells/ring.ts'
import { METRICS, type MetricName } from '../../../core/metrics.ts'
import type { LeanRoute } from '../../../core/protocol.ts'
import type { GaugeReading } from '../../../core/series.ts'
import { type BulkheadOptions, limitOf } from '../../../features/bulkhead/feature.ts'
import { BREAKER_STATES, type BreakerFacts, type EndpointState } from '../../contract.ts'
import type { Crew } from '../../workers/crew.ts'
import type { Notices } from '../../workers/notices.ts'
import type { MetricsRegistry } from './metrics-registry.ts'
import type { Objectives } from './objectives.ts'

/** Where the control plane's own metrics come from. */
export interface GaugeSources {
  readonly version: string
  readonly node: string
  readonly crew: Crew
  readonly rings: readonly SharedArrayBuffer[]
  readonly sum: (ref: CellRef) => number
  readonly words: (ref: CellRef) => Int32Array
  readonly routes: () => readonly LeanRoute[]
  readonly listeners: () => Iterable<readonly [name: string, connections: CellRef]>
  readonly endpoints: () => Iterable<readonly [upstream: string, counts: ReadonlyMap<EndpointState, number>]>
  readonly waiters: () => Iterable<readonly [upstream: string, waiting: CellRef]>
  readonly breakers: () => Iterable<BreakerFacts>
  readonly notices: Notices
  readonly objectives: Pick<Objectives, 'all'>
  readonly overload: () => Iterable<readonly [worker: number, stage: number]>
  readonly panics: () => Iterable<readonly [upstream: string, panics: boolean]>
  /** Hash of the live config and when it was loaded (milliseconds since the epoch); undefined before the first. */
  readonly config: () => { readonly hash: string; readonly loadedAt: number } | undefined
  readonly lastReloadOk: () => boolean
}

/** What a route's cells say now; null: it has no bulkhead. */
export function routeGauges(
  { cells, policies }: LeanRoute,
  sum: GaugeSources['sum'],
  words: GaugeSources['words'],
): Record<'inFlight' | 'queued' | 'streams', number> & Record<'permits' | 'limit', number | null> {
  const { bulkhead, inFlight, streams } = cells
  return {
    inFlight: sum(inFlight),
    queued: bulkhead?.queue === undefined ? 0 : sum(bulkhead.queue.waiting),
    permits: bulkhead === undefined ? null : sum(bulkhead.inFlight),
    limit: limitNow({ cells, policies }, words) ?? null,
    streams: streams === undefined ? 0 : sum(streams),
  }
}

function limitNow({ cells, policies }: Pick<LeanRoute, 'cells' | 'policies'>, words: GaugeSources['words']) {
  const options = policies.bulkhead as BulkheadOptions | undefined
  if (options === undefined || cells.bulkhead === undefined) return undefined
  const { limit } = cells.bulkhead
  return limitOf(options, limit && words(limit), limit?.slot ?? 0)
}

/** Registers the metrics that are read from cells and from the control plane itself at each scrape. */
export function addGauges(metrics: MetricsRegistry, sources: GaugeSources): void {
  const { version, node, crew, rings, sum, words, routes, listeners, endpoints, breakers, notices, overload, panics } =
    sources
  const { config, objectives, waiters } = sources
  const add = (name: MetricName, read: () => Iterable<GaugeReading>): void => {
    const { kind, help, labels } = METRICS[name]
    metrics[kind === 'counter' ? 'counter' : 'gauge'](name, help, labels, read)
  }
  const ofRoutes = function* (refOf: (cells: LeanRoute['cells']) => CellRef | undefined): Generator<GaugeReading> {
    for (const { name, cells } of routes()) {
      const ref = refOf(cells)
      if (ref !== undefined) yield { labels: [name], value: sum(ref) }
    }
  }
  add('sluice_requests_in_flight', () => ofRoutes(({ inFlight }) => inFlight))
  add('sluice_bulkhead_in_flight', () => ofRoutes(({ bulkhead }) => bulkhead?.inFlight))
  add('sluice_bulkhead_limit', function* () {
    for (const route of routes()) {
      const value = limitNow(route, words)
      if (value !== undefined) yield { labels: [route.name], value }
    }
  })
  add('sluice_streams', () => ofRoutes(({ streams }) => streams))
  add('sluice_queue_depth', () => ofRoutes(({ bulkhead }) => bulkhead?.queue?.waiting))
  add('sluice_connections', function* () {
    for (const [name, ref] of listeners()) yield { labels: [name], value: sum(ref) }
  })
  add('sluice_pool_waiters', function* () {
    for (const [upstream, ref] of waiters()) yield { labels: [upstream], value: sum(ref) }
  })
  add('sluice_upstream_endpoints', function* () {
    for (const [upstream, counts] of endpoints()) {
      for (const [state, value] of counts) yield { labels: [upstream, state], value }
    }
  })
  add('sluice_upstream_panic', function* () {
    for (const [upstream, panic] of panics()) yield { labels: [upstream], value: panic ? 1 : 0 }
  })
  add('sluice_breaker_state', function* () {
    for (const { route, upstream, state } of breakers()) {
      for (const known of BREAKER_STATES) yield { labels: [route, upstream, known], value: known === state ? 1 : 0 }
    }
  })
  add('sluice_breaker_transitions_total', () => notices.breakerTransitions())
  add('sluice_ejections_total', () => notices.endpointEjections())
  add('sluice_slo_target_ratio', function* () {
    for (const { route, objective, target } of objectives.all()) yield { labels: [route, objective], value: target }
  })
  add('sluice_slo_error_budget_remaining_ratio', function* () {
    for (const { route, objective, budgetRemaining } of objectives.all())
      yield { labels: [route, objective], value: budgetRemaining }
  })
  add('sluice_overload_stage', function* () {
    for (const [worker, value] of overload()) yield { labels: [String(worker)], value }
  })
  add('sluice_build_info', () => [{ labels: [version, node], value: 1 }])
  add('sluice_worker_restarts_total', function* () {
    for (const [reason, value] of crew.replaced) yield { labels: [reason], value }
  })
  add('sluice_worker_utilization_ratio', function* () {
    for (const { worker, utilization } of crew.slots) yield { labels: [String(worker)], value: utilization }
  })
  add('sluice_log_dropped_total', () => [
    { labels: [], value: rings.reduce((lines, ring) => lines + ringDropped(ring), 0) },
  ])
  add('sluice_config_info', function* () {
    const live = config()
    if (live !== undefined) yield { labels: [live.hash], value: 1 }
  })
  add('sluice_config_last_reload_successful', () => [{ labels: [], value: sources.lastReloadOk() ? 1 : 0 }])
  add('sluice_config_last_reload_success_timestamp_seconds', function* () {
    const live = config()
    if (live !== undefined) yield { labels: [], value: live.loadedAt / 1000 }
  })
}
