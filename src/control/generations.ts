import { hash as hashOf } from 'node:crypto'
import type { Config } from '../config/language/config.ts'
import type { LeanConfig } from '../core/config.ts'
import type { LiveUse } from '../core/control-feature.ts'
import type { AnyFeature } from '../core/feature.ts'
import type { LeanRoute } from '../core/protocol.ts'
import type { Gauges } from '../core/series.ts'
import { commonUses, routeUse, upstreamUses } from '../core/use.ts'
import type { Clock } from '../lib/clock.ts'
import type { Part } from './contract.ts'
import type { EndpointBook } from './endpoints/book.ts'
import type { FeatureList } from './feature-list.ts'
import { turn } from './operations/reload/judge.ts'
import type { Lease } from './registry/lease.ts'
import type { CellRegistry } from './registry/registry.ts'
import type { Supervisor } from './workers/supervisor.ts'

/** Some milliseconds. */
const ROUTES_AT_ONCE = 200

/** A config that is live in all workers. */
export interface Generation {
  /** From 1 on. */
  readonly generation: number
  readonly hash: string
  readonly routes: readonly LeanRoute[]
  /** Uses that act on all routes, by name of the feature. */
  readonly common: ReadonlyMap<string, LiveUse>
  readonly cells: Lease
  /** Milliseconds since the epoch. */
  readonly loadedAt: number
  readonly config: Config
}

export interface GenerationsOptions {
  readonly registry: CellRegistry
  readonly features: FeatureList
  readonly book: EndpointBook
  readonly supervisor: Pick<Supervisor, 'apply'>
  readonly clock: Clock
}

/** The configs that workers have run, one after the other: the latest is live. */
export class Generations implements Part {
  readonly gauges: Gauges = {
    sluice_config_info: () => (this.live === undefined ? [] : [{ labels: [this.live.hash], value: 1 }]),
    sluice_config_last_reload_success_timestamp_seconds: () =>
      this.live === undefined ? [] : [{ labels: [], value: this.live.loadedAt / 1000 }],
  }
  private readonly options: GenerationsOptions
  private current: Generation | undefined = undefined
  private latest = 0

  constructor(options: GenerationsOptions) {
    this.options = options
  }

  /** undefined: none is live yet. */
  get live(): Generation | undefined {
    return this.current
  }

  /** The live uses of a feature: the one that acts on all routes, those of single routes, those at upstreams. */
  usesOf(feature: AnyFeature): readonly LiveUse[] {
    const { name } = feature
    const ofRoutes = this.routes.flatMap((route) =>
      Object.hasOwn(route.features, name) ? [{ use: routeUse(name, route), cells: route.cells.features[name] }] : [],
    )
    const ofUpstreams = Array.from(this.options.book.upstreams, ({ config, set }) =>
      upstreamUses(config, [feature]).map(([, use]) => ({ use, cells: set.cells.features[name] })),
    )
    return [this.current?.common.get(name) ?? [], ...ofRoutes, ofUpstreams.flat()].flat()
  }

  get routes(): readonly LeanRoute[] {
    return this.current?.routes ?? []
  }

  /**
   * Makes a config live in every worker, or rejects and changes nothing.
   *
   * @param lean what workers get of it, with its secrets
   * @param features what it is written in
   */
  async swap(config: Config, lean: LeanConfig, features: readonly AnyFeature[]): Promise<void> {
    const { book, clock, registry, supervisor } = this.options
    const { hash } = config
    const generation = ++this.latest
    const cells = registry.lease()
    const common = cells.common(lean.features, features)
    const routes = await this.routesOf(lean, cells, features)
    const draft = book.draft(lean.upstreams, features)
    const endpoints = new Map(Array.from(draft, ([name, page]) => [name, page.set]))
    try {
      const cutAfter = config.drain.timeout
      await supervisor.apply({
        generation,
        hash,
        plugins: config.plugins,
        reads: config.reads,
        lean,
        cells: common,
        routes,
        cutAfter,
        endpoints,
      })
    } catch (error) {
      cells.release({ generation: 0, update: 0 })
      book.drop(draft)
      throw error
    }
    this.current?.cells.release({ generation, update: 0 })
    const uses = commonUses(lean.features, features).map(
      ([{ name }, use]) => [name, { use, cells: common[name] }] as const,
    )
    this.options.features.replace(features)
    this.current = { generation, hash, common: new Map(uses), routes, cells, loadedAt: clock.wall(), config }
    book.adopt(draft, { generation, update: 0 })
  }

  private async routesOf(lean: LeanConfig, cells: Lease, features: readonly AnyFeature[]): Promise<LeanRoute[]> {
    const observers = features.flatMap(({ name, observes }) => (observes === true ? [name] : []))
    const routes: LeanRoute[] = []
    for (const route of lean.routes) {
      // Thousands of them would block the loop for long.
      if (routes.length % ROUTES_AT_ONCE === ROUTES_AT_ONCE - 1) await turn()
      const effect = hashOf('sha1', JSON.stringify({ ...route, features: without(route.features, observers) }))
      const observed = observers.map((name) => route.features[name])
      const digest = hashOf('sha1', effect + JSON.stringify(observed))
      routes.push({ ...route, cells: cells.route(route, features), effect, digest })
    }
    return routes
  }
}

function without(
  options: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !names.includes(name)))
}
