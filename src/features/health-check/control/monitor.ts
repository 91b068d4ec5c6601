import type { UpstreamConfig } from '../../../core/config.ts'
import type { ControlContext } from '../../../core/control-feature.ts'
import type { EndpointCells, ResolvedEndpoint, UpstreamEndpoints } from '../../../core/protocol.ts'
import { authority, target } from '../../../data/upstreams/endpoint.ts'
import type { HealthCheckOptions } from '../keys.ts'
import type { CheckRequest, CheckResult } from './check.ts'
import { EndpointWatch, type WatchDeps, type WatchEvents } from './watch.ts'

export interface HealthOptions extends WatchDeps {
  /** See `ControlContext.set`. */
  readonly set: ControlContext['set']
  /** Writes the results of checks where workers see them. */
  readonly mark: (cells: EndpointCells, healthy: boolean) => void
  /** A check of an endpoint of this upstream has ended. */
  readonly checked: (upstream: string, endpoint: ResolvedEndpoint, result: CheckResult) => void
}

/** An upstream whose endpoints are checked. */
export interface CheckedUpstream {
  readonly config: UpstreamConfig
  readonly options: HealthCheckOptions
  readonly set: UpstreamEndpoints
}

interface Watched {
  readonly watch: EndpointWatch
  readonly cells: EndpointCells
  /** Everything that defines the check. */
  readonly options: string
}

/** Active health checks: each endpoint of the upstreams that have them, each on its own. */
export class HealthMonitor {
  private readonly options: HealthOptions
  private watched = new Map<string, Watched>()

  constructor(options: HealthOptions) {
    this.options = options
  }

  /** All upstreams as of now. Endpoints that left are no longer checked; those that stay keep their state. */
  sync(upstreams: Iterable<CheckedUpstream>): void {
    const before = this.watched
    const after = new Map<string, Watched>()
    for (const { config, options, set } of upstreams) {
      for (const endpoint of set.endpoints) {
        const key = keyOf(config.name, endpoint)
        if (!after.has(key)) after.set(key, this.follow(before.get(key), config, options, endpoint))
      }
    }
    this.watched = after
    for (const [key, known] of before) if (!after.has(key)) this.drop(known)
  }

  close(): void {
    for (const { watch } of this.watched.values()) watch.close()
    this.watched.clear()
  }

  private follow(
    known: Watched | undefined,
    upstream: UpstreamConfig,
    config: HealthCheckOptions,
    endpoint: ResolvedEndpoint,
  ): Watched {
    const { cells } = endpoint
    const options = JSON.stringify([config, upstream.tls, endpoint.host])
    if (known?.options === options) return known
    const request = requestFor(upstream, config, endpoint)
    if (known === undefined) {
      const watch = new EndpointWatch(request, this.options, this.eventsOf(upstream.name, endpoint))
      return { watch, cells, options }
    }
    known.watch.update(request)
    return { watch: known.watch, cells, options }
  }

  private eventsOf(upstream: string, resolved: ResolvedEndpoint): WatchEvents {
    const { id, cells } = resolved
    const { checked, mark, set } = this.options
    return {
      checked: (result) => checked(upstream, resolved, result),
      healthy() {
        mark(cells, true)
        set([upstream, id], 'usable', {})
      },
      unhealthy(facts) {
        mark(cells, false)
        set([upstream, id], 'unhealthy', facts)
      },
    }
  }

  /** It is no longer checked: it must not stay unhealthy for ever. */
  private drop({ watch, cells }: Watched): void {
    watch.close()
    if (!watch.healthy) this.options.mark(cells, true)
  }
}

/** By cells: endpoints that share them are one. */
function keyOf(upstream: string, { id, cells }: ResolvedEndpoint): string {
  return `${upstream} ${id} ${cells.state.page} ${cells.state.slot}`
}

function requestFor(upstream: UpstreamConfig, config: HealthCheckOptions, endpoint: ResolvedEndpoint): CheckRequest {
  const own = target(endpoint, upstream)
  return {
    target: { ...own, port: config.port ?? own.port },
    authority: config.host ?? authority(endpoint),
    config,
  }
}
