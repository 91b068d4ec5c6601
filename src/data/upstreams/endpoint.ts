import type { HeldCell } from '../../cells/held.ts'
import type { CellSpace } from '../../cells/space.ts'
import type { UpstreamConfig } from '../../core/config.ts'
import { EndpointState, type ResolvedEndpoint } from '../../core/protocol.ts'
import type { Target, Transport } from '../../core/transport.ts'
import type { Candidate } from './balancers/contract.ts'
import { Pool, type PoolLimits } from './pool.ts'

/** What an endpoint is made with. */
export interface EndpointDeps {
  readonly space: CellSpace
  readonly transports: { readonly plain: Transport; readonly tls: Transport }
}

/**
 * An address of an upstream with its pool. It lives as long as its identity: new weights, tiers and limits change it in
 * place.
 */
export class Endpoint implements Candidate {
  readonly id: string
  /** Value of Host where a route forwards the endpoint's own. */
  readonly authority: string
  readonly pool: Pool
  weight: number
  tier: number
  private readonly inFlight: HeldCell
  private readonly words: Int32Array
  private readonly word: number

  constructor(resolved: ResolvedEndpoint, config: UpstreamConfig, deps: EndpointDeps) {
    this.id = resolved.id
    this.authority = authority(resolved)
    this.weight = resolved.weight
    this.tier = resolved.tier
    this.inFlight = deps.space.held(resolved.cells.inFlight)
    this.words = deps.space.int32(resolved.cells.state)
    this.word = resolved.cells.state.slot
    this.pool = new Pool({
      transport: resolved.scheme === 'https' ? deps.transports.tls : deps.transports.plain,
      target: target(resolved, config),
      connection: { connectTimeoutMs: config.connectTimeout, keepAliveMs: config.connections.keepAlive },
      limits: limits(config, deps.space.workers),
      inFlight: this.inFlight,
      connections: deps.space.held(resolved.cells.connections),
    })
  }

  /** Neither unhealthy nor draining. */
  get usable(): boolean {
    return Atomics.load(this.words, this.word) === 0
  }

  get draining(): boolean {
    return (Atomics.load(this.words, this.word) & EndpointState.draining) !== 0
  }

  /** Requests in flight, of all workers. */
  get load(): number {
    return this.inFlight.sum()
  }

  /** Takes what may change without touching its connections. */
  update(resolved: ResolvedEndpoint, config: UpstreamConfig, workers: number): void {
    this.weight = resolved.weight
    this.tier = resolved.tier
    this.pool.resize(limits(config, workers))
  }

  /** It is no longer part of the upstream: closes when idle. */
  close(): void {
    this.pool.close()
  }
}

/** Everything that makes connections to an endpoint what they are: with another key it is another endpoint. */
export function endpointKey(resolved: ResolvedEndpoint, config: UpstreamConfig): string {
  const { inFlight, connections, state, outcomes } = resolved.cells
  return JSON.stringify([
    resolved.id,
    resolved.host,
    resolved.scheme === 'https' ? config.tls : null,
    config.connectTimeout,
    config.connections.keepAlive,
    [inFlight, connections, state, outcomes],
  ])
}

function authority(resolved: ResolvedEndpoint): string {
  const host = resolved.host.includes(':') ? `[${resolved.host}]` : resolved.host
  return resolved.port === (resolved.scheme === 'https' ? 443 : 80) ? host : `${host}:${resolved.port}`
}

function target(resolved: ResolvedEndpoint, config: UpstreamConfig): Target {
  const { address, port, scheme, host } = resolved
  if (scheme === 'http') return { address, port, tls: undefined }
  return { address, port, tls: { ...config.tls, serverName: config.tls.serverName ?? host } }
}

/** `connections.max` holds for the process: each worker has its share. */
function limits(config: UpstreamConfig, workers: number): PoolLimits {
  const { max, maxWaiting } = config.connections
  return { max: Math.max(1, Math.floor(max / workers)), maxWaiting }
}
