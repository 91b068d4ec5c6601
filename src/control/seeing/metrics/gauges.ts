import type { CellRef } from '../../../cells/pages.ts'
import { ringDropped } from '../../../cells/ring.ts'
import type { AnyFeature, CellReader, Figure } from '../../../core/feature.ts'
import type { MetricDefinition } from '../../../core/metric.ts'
import { metricTable } from '../../../core/metrics.ts'
import type { LeanRoute } from '../../../core/protocol.ts'
import type { GaugeReading } from '../../../core/series.ts'
import { routeUse } from '../../../core/use.ts'
import type { BreakerFacts, EndpointState } from '../../contract.ts'
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
  readonly features: readonly AnyFeature[]
  readonly look: CellReader
  readonly routes: () => readonly LeanRoute[]
  readonly listeners: () => Iterable<readonly [name: string, connections: CellRef]>
  readonly endpoints: () => Iterable<readonly [upstream: string, counts: ReadonlyMap<EndpointState, number>]>
  readonly waiters: () => Iterable<readonly [upstream: string, waiting: CellRef]>
  readonly breakers: () => Iterable<BreakerFacts>
  /** Of control halves. */
  readonly halves: Iterable<readonly [metric: string, read: () => Iterable<GaugeReading>]>
  readonly notices: Notices
  readonly objectives: Pick<Objectives, 'all'>
  readonly overload: () => Iterable<readonly [worker: number, stage: number]>
  readonly panics: () => Iterable<readonly [upstream: string, panics: boolean]>
  /** Hash of the live config and when it was loaded (milliseconds since the epoch); undefined before the first. */
  readonly config: () => { readonly hash: string; readonly loadedAt: number } | undefined
  readonly lastReloadOk: () => boolean
}

/** What the features of a route count now, by name of the figure. */
export function routeFigures(
  route: LeanRoute,
  features: readonly AnyFeature[],
  look: CellReader,
): Record<string, number | null> {
  const numbers: Record<string, number | null> = {}
  for (const { figures = {}, keys, name } of features) {
    if (keys.route === undefined) continue
    for (const [figure, { of, otherwise }] of Object.entries(figures)) {
      const has = Object.hasOwn(route.features, name)
      numbers[figure] =
        (has ? of(routeUse(route.features[name], route), route.cells.features[name], look) : undefined) ?? otherwise
    }
  }
  return numbers
}

/** One figure of all routes that have it. */
function* figureReadings(
  { name }: AnyFeature,
  { of }: Figure<unknown, unknown>,
  { look, routes }: Pick<GaugeSources, 'look' | 'routes'>,
): Generator<GaugeReading> {
  for (const route of routes()) {
    if (!Object.hasOwn(route.features, name)) continue
    const value = of(routeUse(route.features[name], route), route.cells.features[name], look)
    if (value !== undefined) yield { labels: [route.name], value }
  }
}

/** Registers the metrics that are read from cells and from the control plane itself at each scrape. */
export function addGauges(metrics: MetricsRegistry, sources: GaugeSources): void {
  const { version, node, crew, rings, look, routes, listeners, endpoints, halves, notices, overload, panics } = sources
  const { config, features, objectives, waiters } = sources
  const sum = (ref: CellRef): number => look.sum(ref)
  const table = metricTable(features)
  const add = (name: string, read: () => Iterable<GaugeReading>): void => {
    const { kind, help, labels } = table[name] as MetricDefinition
    metrics[kind === 'counter' ? 'counter' : 'gauge'](name, help, labels, read)
  }
  add('sluice_requests_in_flight', function* () {
    for (const { name, cells } of routes()) yield { labels: [name], value: sum(cells.inFlight) }
  })
  for (const feature of features) {
    for (const figure of Object.values(feature.figures ?? {}))
      if (figure.metric !== undefined) add(figure.metric, () => figureReadings(feature, figure, sources))
  }
  for (const [metric, read] of halves) add(metric, read)
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
