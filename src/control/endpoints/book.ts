import type { UpstreamConfig } from '../../core/config.ts'
import type { FoundEndpoint } from '../../core/endpoint-source.ts'
import type { AnyFeature } from '../../core/feature.ts'
import type { ResolvedEndpoint, UpstreamEndpoints } from '../../core/protocol.ts'
import { type FeatureUse, upstreamUses } from '../../core/use.ts'
import type { Lease, Mark } from '../registry/lease.ts'
import type { CellRegistry } from '../registry/registry.ts'
import { type Located, locate } from './finding/addresses.ts'

interface Page {
  readonly config: UpstreamConfig
  readonly set: UpstreamEndpoints
  readonly lease: Lease
}

/** All upstreams of one config generation with their addresses. */
export type Pages = ReadonlyMap<string, Page>

export interface EndpointBookOptions {
  readonly registry: CellRegistry
  readonly features: readonly AnyFeature[]
  readonly addressesOf: (name: string) => readonly string[]
  /** Of upstreams whose endpoints are discovered. */
  readonly discovered: (upstream: UpstreamConfig) => readonly FoundEndpoint[]
  /** Whether an address must not be used by an upstream. Logs it itself. */
  readonly refuses: (upstream: string, located: Located) => boolean
  /** No worker knows these yet. */
  readonly arrives: (set: UpstreamEndpoints) => void
  /** Tells the workers; returns the number of the update. */
  readonly publish: (sets: readonly UpstreamEndpoints[]) => number
  /** No upstream has this endpoint any more, or one has it again. */
  readonly onLeft: (id: string) => void
  readonly onBack: (id: string) => void
  /** Other endpoints, or other upstreams, than before. */
  readonly onChange: () => void
}

/** Which addresses each upstream has now, with the cells of their identity. */
export class EndpointBook {
  private readonly options: EndpointBookOptions
  private pages = new Map<string, Page>()

  constructor(options: EndpointBookOptions) {
    this.options = options
  }

  /** Pages of a config that is to come. They keep their cells until they are adopted or dropped. */
  draft(upstreams: readonly UpstreamConfig[], features: readonly AnyFeature[] = this.options.features): Pages {
    return new Map(upstreams.map((config) => [config.name, this.page(config, features)]))
  }

  /** The config is live. Cells that only the one before had are retired at `mark`. */
  adopt(draft: Pages, mark: Mark): void {
    const before = this.pages
    this.pages = new Map(draft)
    for (const page of before.values()) page.lease.release(mark)
    this.tellChanges(before.values(), this.pages.values())
    this.refresh([...this.pages.values()])
  }

  /** The config was refused: no worker has touched its cells. */
  drop(draft: Pages): void {
    for (const page of draft.values()) page.lease.release({ generation: 0, update: 0 })
  }

  /** A name now resolves to other addresses. */
  renew(name: string): void {
    this.refresh([...this.pages.values()].filter(({ config }) => config.endpoints.some(({ host }) => host === name)))
  }

  /** A source has found other endpoints. */
  rediscovered(upstream: string): void {
    const page = this.pages.get(upstream)
    if (page !== undefined) this.refresh([page])
  }

  /** All upstreams, in the order of the config. */
  get upstreams(): Iterable<{ readonly config: UpstreamConfig; readonly set: UpstreamEndpoints }> {
    return this.pages.values()
  }

  configOf(upstream: string): UpstreamConfig | undefined {
    return this.pages.get(upstream)?.config
  }

  /** undefined: there is no such upstream. */
  of(upstream: string): UpstreamEndpoints | undefined {
    return this.pages.get(upstream)?.set
  }

  private refresh(pages: readonly Page[]): void {
    const changed = pages
      .map((before) => ({ before, after: this.page(before.config) }))
      .filter(({ before, after }) => {
        if (keyOf(before.set) !== keyOf(after.set)) return true
        after.lease.release({ generation: 0, update: 0 })
        return false
      })
    if (changed.length === 0) return
    for (const { after } of changed) this.pages.set(after.config.name, after)
    const update = this.options.publish(changed.map(({ after }) => after.set))
    for (const { before } of changed) before.lease.release({ generation: 0, update })
    this.tellChanges(
      changed.map(({ before }) => before),
      changed.map(({ after }) => after),
    )
  }

  private page(config: UpstreamConfig, features: readonly AnyFeature[] = this.options.features): Page {
    const { addressesOf, arrives, discovered, refuses, registry } = this.options
    const lease = registry.lease()
    const uses = upstreamUses(config, features)
    const endpoints = locate(config, addressesOf, discovered)
      .filter((located) => !refuses(config.name, located))
      .map((located) => resolved(config.name, located, lease, uses))
    const set = { upstream: config.name, cells: lease.upstream(config.name, uses), endpoints }
    arrives(set)
    return { config, set, lease }
  }

  private tellChanges(before: Iterable<Page>, after: Iterable<Page>): void {
    const was = idsOf(before)
    const is = idsOf(after)
    const all = idsOf(this.pages.values())
    for (const id of was) if (!all.has(id)) this.options.onLeft(id)
    for (const id of is) if (!was.has(id)) this.options.onBack(id)
    this.options.onChange()
  }
}

function resolved(
  upstream: string,
  { config, address, id, sni }: Located,
  lease: Lease,
  uses: readonly FeatureUse[],
): ResolvedEndpoint {
  const { scheme, host, port, weight, tier, zone, maxConcurrent } = config
  const cells = lease.endpoint({ upstream, scheme, address, port, sni }, uses)
  return { id, scheme, address, port, host, weight, tier, zone, maxConcurrent, cells }
}

function keyOf({ endpoints }: UpstreamEndpoints): string {
  return endpoints.map(({ id, host, tier, weight, zone }) => `${id} ${host} ${weight} ${tier} ${zone}`).join('\n')
}

function idsOf(pages: Iterable<Page>): Set<string> {
  const ids = new Set<string>()
  for (const { set } of pages) for (const { id } of set.endpoints) ids.add(id)
  return ids
}
