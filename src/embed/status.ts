import type { ConfigSource, SourceFacts } from '../config/sources/source.ts'

/** An endpoint of an upstream. */
export interface EndpointStatus {
  /** Scheme, address and port. */
  readonly id: string
  readonly state: 'usable' | 'ejected' | 'unhealthy' | 'draining'
  /** What the state means, why it came and what follows. */
  readonly text: string
  /** RFC 3339; left out where it is not known. */
  readonly since?: string
  /** Requests in flight. */
  readonly inFlight: number
  /** Open connections. */
  readonly connections: number
}

/** What runs, as of now. The lists of what lasts stand beside: `breakers`, for example. */
export interface GatewayStatus {
  readonly version: string
  /** `gateway.name` of the config. */
  readonly gateway: string
  readonly uptimeMs: number
  /** Counts the configs that were live. */
  readonly generation: number
  /** `hash`: SHA-256 of the live one, in hex; `from`: where configs come from, and how that does. */
  readonly config: {
    readonly hash: string
    readonly from?: Pick<ConfigSource, 'kind' | 'name'> & Partial<SourceFacts>
  }
  /** `serving` until the gateway is closed. */
  readonly drain: 'serving' | 'draining' | 'leaving' | 'cut' | 'done'
  readonly listeners: readonly BoundAddress[]
  readonly workers: readonly { readonly worker: number; readonly state: string; readonly restarts: number }[]
  readonly upstreams: readonly { readonly name: string; readonly endpoints: readonly EndpointStatus[] }[]
  readonly [list: string]: unknown
}

/** Where a listener listens. */
export interface BoundAddress {
  readonly name: string
  readonly host: string
  /** The real one, never 0. */
  readonly port: number
}
