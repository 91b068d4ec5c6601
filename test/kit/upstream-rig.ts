import type { CellSpace } from '../../src/cells/space.ts'
import type { UpstreamConfig } from '../../src/core/config.ts'
import { algorithmsOf } from '../../src/core/feature.ts'
import type { ResolvedEndpoint } from '../../src/core/protocol.ts'
import { NO_RELIEF } from '../../src/core/relief.ts'
import type { Endpoint } from '../../src/data/upstreams/endpoint.ts'
import { Upstream, type UpstreamDeps } from '../../src/data/upstreams/upstream.ts'
import { FEATURES } from '../../src/features/index.ts'
import { seededRandom } from '../../src/lib/random.ts'
import { TimerWheel } from '../../src/lib/timers.ts'
import { TestCells } from './cells.ts'
import { ManualClock } from './clock.ts'
import { CountedMetrics, featureDeps } from './feature.ts'
import { endpointCells, partsWith, UPSTREAM, upstreamCells } from './lean-upstream.ts'
import { HandTransport } from './transport.ts'

/** Upstreams in virtual time, of two workers. */
export class UpstreamRig {
  readonly cells = new TestCells(2)
  readonly clock = new ManualClock()
  readonly transport = new HandTransport()

  /** One of worker 0. */
  upstream(changes: Partial<UpstreamConfig> = {}): Upstream {
    const config = { ...UPSTREAM, ...changes }
    return new Upstream(config, upstreamCells(this.cells, config), this.deps(this.cells.space))
  }

  /** The same endpoints, as each worker sees them. */
  shared(changes: Partial<UpstreamConfig>, ports: readonly number[]): readonly Upstream[] {
    const config = { ...UPSTREAM, ...changes }
    const cells = upstreamCells(this.cells, config)
    const endpoints = ports.map((port) => this.resolved(port, { cells: endpointCells(this.cells, config) }))
    return this.cells.spaces.map((space) => {
      const upstream = new Upstream(config, cells, this.deps(space))
      upstream.setEndpoints(endpoints)
      return upstream
    })
  }

  /** Takes a new config. */
  renew(upstream: Upstream, config: UpstreamConfig): void {
    const { parts } = this.deps(this.cells.space)
    upstream.prepare(config, upstreamCells(this.cells, config), parts)()
  }

  resolved(port: number, changes: Partial<ResolvedEndpoint> = {}): ResolvedEndpoint {
    return {
      id: `http://10.0.0.1:${port}`,
      scheme: 'http',
      address: '10.0.0.1',
      port,
      host: 'orders.test',
      weight: 1,
      tier: 0,
      zone: undefined,
      maxConcurrent: undefined,
      cells: this.cells.endpoint(),
      ...changes,
    }
  }

  private deps(space: CellSpace): UpstreamDeps {
    const { clock, transport } = this
    const own = {
      space,
      clock,
      timers: new TimerWheel(clock),
      random: seededRandom(1),
      metrics: new CountedMetrics(),
      relief: NO_RELIEF,
      report: () => {},
    }
    return { ...own, transport, algorithms: algorithmsOf(FEATURES), parts: partsWith(featureDeps(own)) }
  }
}

export function portsOf(endpoints: readonly (Endpoint | undefined)[]): string[] {
  return endpoints.map((endpoint) => endpoint?.id.slice(endpoint.id.lastIndexOf(':') + 1) ?? '-')
}
