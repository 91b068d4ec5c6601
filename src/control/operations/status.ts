import type { BoundListener, DrainState, WorkerFacts } from '../contract.ts'
import type { EndpointBook } from '../endpoints/book.ts'
import { endpointState } from '../endpoints/state.ts'
import type { CellRegistry } from '../registry/registry.ts'
import type { Notices } from '../workers/notices.ts'

/** What `/api/v1/status` is made of. */
export interface StatusSources {
  readonly version: string
  readonly gateway: string
  readonly uptimeMs: number
  readonly generation: number
  readonly config: Readonly<Record<string, unknown>> & { readonly hash: string }
  readonly drain: DrainState
  readonly workers: readonly WorkerFacts[]
  readonly listeners: readonly BoundListener[]
  readonly book: EndpointBook
  readonly registry: CellRegistry
  readonly notices: Pick<Notices, 'idleLimit'>
}

/** The body of `/api/v1/status`: who we are, what runs, and how every endpoint does. For operators: it has addresses. */
export function statusBody({ book, notices, registry, workers, ...rest }: StatusSources) {
  return {
    ...rest,
    workers: workers.map(({ heartbeatAge, ...worker }) => ({ ...worker, heartbeatAgeMs: heartbeatAge ?? null })),
    upstreams: Array.from(book.upstreams, ({ config, set }) => ({
      name: config.name,
      algorithm: config.algorithm,
      keepAliveMs: config.connections.keepAlive,
      idleLimitMs: notices.idleLimit(config) ?? null,
      endpoints: set.endpoints.map(({ id, host, address, port, weight, tier, zone, cells }) => ({
        id,
        host,
        address,
        port,
        weight,
        tier,
        zone: zone ?? null,
        state: endpointState(registry, cells),
        inFlight: registry.sum(cells.inFlight),
        connections: registry.sum(cells.connections),
      })),
    })),
  }
}
