import type { Config } from '../../config/language/config.ts'
import type { UpstreamConfig } from '../../core/config.ts'
import type { Find } from '../../core/endpoint-source.ts'
import type { AnyFeature } from '../../core/feature.ts'
import type { UpstreamEndpoints } from '../../core/protocol.ts'
import type { Gauges, WorkerMetrics } from '../../core/series.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { KeptState } from '../../stores/kept-state.ts'
import type { Part } from '../contract.ts'
import type { CellRegistry } from '../registry/registry.ts'
import { EndpointBook } from './book.ts'
import { EndpointCare } from './care.ts'
import { EndpointFinder } from './finding/endpoint-finder.ts'
import type { OwnAddress } from './finding/own.ts'
import { OwnEndpoints } from './finding/own-endpoints.ts'
import { countStates, panics } from './state.ts'

export interface EndpointsOptions {
  /** The first config. */
  readonly config: Config
  readonly registry: CellRegistry
  readonly features: readonly AnyFeature[]
  /** Of the control plane. */
  readonly metrics: WorkerMetrics
  /** Of features, by kind; asked when endpoints are first looked for. */
  readonly sources: () => Readonly<Record<string, Find>>
  /** Addresses of the control plane, which no upstream may have. */
  readonly own: () => readonly OwnAddress[]
  /** Tells the workers; returns the number of the update. */
  readonly publish: (sets: readonly UpstreamEndpoints[]) => number
  /** No upstream has this endpoint any more, or one has it again. */
  readonly left: (id: string) => void
  readonly back: (id: string) => void
  /** Endpoints of an upstream came or went, or their weights changed. */
  readonly changed: () => void
  /** What outlives the process. */
  readonly kept: Pick<KeptState, 'map'>
  readonly clock: Clock
  readonly log: Log
}

/** The endpoints of all upstreams: where they are, how they are, and which of them requests may go to. */
export class Endpoints implements Part {
  readonly gauges: Gauges
  readonly book: EndpointBook
  readonly care: EndpointCare
  private readonly finding: EndpointFinder
  private readonly registry: CellRegistry

  constructor(options: EndpointsOptions) {
    const { back, changed, clock, config, features, kept, left, log, metrics, own, publish, registry, sources } =
      options
    this.registry = registry
    this.finding = new EndpointFinder({
      config,
      clock,
      log,
      renamed: (name) => this.book.renew(name),
      rediscovered: (upstream) => this.book.rediscovered(upstream),
      sources,
    })
    const ours = new OwnEndpoints(own, log)
    this.book = new EndpointBook({
      registry,
      features,
      addressesOf: (name) => this.finding.addresses(name),
      discovered: (upstream) => this.finding.found(upstream),
      refuses: (upstream, located) => ours.refuses(upstream, located),
      arrives: (set) => this.care.drains.mark(set),
      publish,
      onLeft: left,
      onBack: back,
      onChange: () => {
        this.care.follow()
        changed()
      },
    })
    this.care = new EndpointCare({
      book: this.book,
      registry,
      kept,
      metrics,
      clock,
      log,
    })
    this.gauges = endpointGauges(this.book, registry, features)
  }

  /** Resolves names and looks for the endpoints of these and of no other upstreams from now on. */
  watch(upstreams: readonly UpstreamConfig[]): Promise<void> {
    return this.finding.watch(upstreams)
  }

  /** Open connections to all of them. */
  get connections(): number {
    let open = 0
    for (const { set } of this.book.upstreams)
      for (const { cells } of set.endpoints) open += this.registry.sum(cells.connections)
    return open
  }

  /** Upstreams without a single usable endpoint. */
  get upstreamsDown(): number {
    let down = 0
    for (const { set } of this.book.upstreams) if (!this.care.isUp(set)) down++
    return down
  }

  close(): void {
    this.finding.close()
    this.care.close()
  }
}

function endpointGauges(
  book: Pick<EndpointBook, 'upstreams'>,
  registry: CellRegistry,
  features: readonly AnyFeature[],
): Gauges {
  return {
    sluice_pool_waiters: function* () {
      for (const { set } of book.upstreams) yield { labels: [set.upstream], value: registry.sum(set.cells.waiting) }
    },
    sluice_upstream_endpoints: function* () {
      for (const { set } of book.upstreams)
        for (const [state, value] of countStates(registry, set)) yield { labels: [set.upstream, state], value }
    },
    sluice_upstream_panic: function* () {
      for (const { config, set } of book.upstreams)
        yield { labels: [set.upstream], value: panics(registry, features, config, set) ? 1 : 0 }
    },
  }
}
