import type { CellRef, Page } from '../cells/pages.ts'
import type { LeanConfig, ListenerConfig, RouteConfig, UpstreamConfig } from './config.ts'
import type { Flight, FlightSummary } from './flight.ts'
import type { FedValue, LinkMessage } from './link.ts'
import type { Notice } from './notice.ts'
import type { PluginModule } from './plugin.ts'
import type { PackedRecord } from './spans.ts'

/** What both planes say to each other. Structured-cloneable. The control plane never waits without a deadline. */

/** Cells of a route, by identity `route`. */
export interface RouteCells {
  /** Held: requests in flight. */
  readonly inFlight: CellRef
  /** Of its features, by their name: as `Feature.cells` asked for. */
  readonly features: Readonly<Record<string, unknown>>
}

/** An address that a name stands for, with the cells of its identity (upstream, scheme, address, port, SNI). */
export interface ResolvedEndpoint {
  /** Identity, also the label in metrics: `scheme://host:port` or, for resolved names, `scheme://address:port`. */
  readonly id: string
  readonly scheme: 'http' | 'https'
  readonly address: string
  readonly port: number
  /** Host as configured, for Host with `host: upstream`, and SNI without `tls.serverName`. */
  readonly host: string
  readonly weight: number
  readonly tier: number
  readonly zone: string | undefined
  /** Requests in flight, all workers together. */
  readonly maxConcurrent: number | undefined
  readonly cells: EndpointCells
}

/** Cells of an endpoint, by its identity. */
export interface EndpointCells {
  /** Held: requests in flight. */
  readonly inFlight: CellRef
  /** Held: open connections. */
  readonly connections: CellRef
  /** Words: first of `ENDPOINT_WORDS`, see {@link EndpointWord}. */
  readonly state: CellRef
  /** Of its upstream's features, by their name: as `UpstreamForm.endpointCells` asked for. */
  readonly features: Readonly<Record<string, unknown>>
}

/**
 * Words of an endpoint, by their place. Times are clock milliseconds in 32 bits, of which only differences mean something.
 */
export const EndpointWord = {
  /** Control plane: see {@link EndpointStateBit}. */
  state: 0,
  /** The writer that takes it back in: 1 while `since` counts. */
  warming: 1,
  /** Since when it takes requests again, for slow start. */
  since: 2,
  /** Any thread: 1 while a feature keeps it out of service. */
  ejected: 3,
  /** Any worker, see `cells/call.ts`: for its requests in flight. */
  call: 4,
  /** Any worker: when it last sent the head of an answer, as far as {@link HEAD_GRAIN_MS} tells. */
  headAt: 5,
} as const

/** Number of words that an endpoint takes. */
export const ENDPOINT_WORDS = 6

/**
 * Each worker writes the head time of an endpoint at most this often, so that not every answer writes what all workers
 * read.
 */
export const HEAD_GRAIN_MS = 100

/** Cells of an upstream, by identity `name`. */
export interface UpstreamCells {
  /** Held: attempts that wait for a connection. */
  readonly waiting: CellRef
  /** Of its features, by their name: as `UpstreamForm.cells` asked for. */
  readonly features: Readonly<Record<string, unknown>>
}

/** Bits of an endpoint's state word; 0: usable. */
export const EndpointStateBit = { unhealthy: 1, draining: 2 } as const

/** All addresses of an upstream, with its cells. */
export interface UpstreamEndpoints {
  readonly upstream: string
  readonly cells: UpstreamCells
  readonly endpoints: readonly ResolvedEndpoint[]
}

/** A route as workers get it: with its cells. */
export type LeanRoute = RouteConfig & {
  readonly cells: RouteCells
  /** Equal where the route means the same: what was compiled of it may be used again. */
  readonly digest: string
  /** Equal where it does the same to requests: they may go on, and what the route has learnt stays. */
  readonly effect: string
}

/** Global part of a config generation; upstreams and routes follow in chunks. */
export type ConfigHead = Omit<LeanConfig, 'upstreams' | 'routes'> & {
  readonly generation: number
  readonly hash: string
  /** Of the features that act on all routes, by their name: as `Feature.cells` asked for. */
  readonly cells: Readonly<Record<string, unknown>>
  readonly upstreams: number
  readonly routes: number
}

/** Messages of the control plane to a worker. */
export type ToWorker =
  /** Questions of features and commands to them, see `core/link.ts`. */
  | LinkMessage
  /** Taken together, and answered with `fed`. */
  | { readonly type: 'feeds'; readonly values: readonly FedValue[] }
  | { readonly type: 'pages'; readonly pages: readonly Page[] }
  /** Config in acknowledged chunks of at most 200 entries; the next chunk follows the ack of the one before. */
  | { readonly type: 'prepare'; readonly head: ConfigHead }
  | {
      readonly type: 'chunk'
      readonly generation: number
      readonly upstreams: readonly UpstreamConfig[]
      /** Of the upstreams, in their order. */
      readonly endpoints: readonly UpstreamEndpoints[]
      readonly routes: readonly LeanRoute[]
      readonly last: boolean
    }
  /** What began on a route that has changed or gone ends after `cutAfter` milliseconds at the latest. */
  | { readonly type: 'commit'; readonly generation: number; readonly cutAfter: number }
  | { readonly type: 'abort'; readonly generation: number }
  /** Answered with `updated`: addresses that left are not picked any more. */
  | { readonly type: 'endpoints'; readonly update: number; readonly sets: readonly UpstreamEndpoints[] }
  | {
      readonly type: 'listen'
      /** Names this opening of the listener; the same name may be opened anew before it is closed. */
      readonly id: string
      readonly listener: ListenerConfig
      readonly reusePort: boolean
      /** Held: open connections of the listener. */
      readonly connections: CellRef
    }
  /** Closes one listener: its connections politely, and after `cutAfter` milliseconds those that are left. */
  | { readonly type: 'close-listener'; readonly id: string; readonly cutAfter: number }
  /** Close politely: `Connection: close` on every answer. */
  | { readonly type: 'drain' }
  /**
   * Accept until the backlog is empty, then close all listeners; `idle` follows when the last exchange ended. Tunnels should end
   * within `ms`.
   */
  | { readonly type: 'unlisten'; readonly ms: number }
  /** End all that is left. */
  | { readonly type: 'cut' }
  /** `records` of the spans that were sent have been taken: there is room for as many. */
  | { readonly type: 'spans-taken'; readonly records: number }
  /** Only with `testHooks`. */
  | { readonly type: 'hook'; readonly hook: 'block' | 'throw' | 'exit'; readonly ms: number }

/** Messages of a worker to the control plane. */
export type FromWorker =
  | LinkMessage
  | { readonly type: 'fed' }
  | { readonly type: 'ready' }
  | { readonly type: 'ack'; readonly generation: number }
  /** `without`: feeds that it needs before it commits, and that have no value yet: feature and name. */
  | { readonly type: 'prepared'; readonly generation: number; readonly without: readonly string[] }
  | { readonly type: 'refused'; readonly generation: number; readonly message: string }
  | { readonly type: 'committed'; readonly generation: number }
  /** Another generation is committed, and the last request that began on this one has ended. */
  | { readonly type: 'retired'; readonly generation: number }
  | { readonly type: 'updated'; readonly update: number }
  | { readonly type: 'listening'; readonly id: string; readonly port: number }
  | { readonly type: 'listen-failed'; readonly id: string; readonly code: string }
  | { readonly type: 'idle' }
  /** Failed and slow requests that have ended. */
  | { readonly type: 'flights'; readonly flights: readonly Flight[] }
  /** What taps asked for; `lost`: how many more there were than may be shown. */
  | { readonly type: 'tapped'; readonly requests: readonly FlightSummary[]; readonly lost: number }
  | { readonly type: 'notice'; readonly notice: Notice }
  /** A metric series was made in one of the worker's pages. `slots` consecutive Float64. */
  | { readonly type: 'series'; readonly metric: string; readonly labels: readonly string[]; readonly ref: CellRef }
  | { readonly type: 'want-page'; readonly kind: 'floats' }
  /** Answered with `spans-taken`. */
  | { readonly type: 'spans'; readonly records: readonly PackedRecord[] }
  | {
      readonly type: 'log'
      readonly level: 'info' | 'warn' | 'error'
      readonly message: string
      readonly fields: Readonly<Record<string, unknown>>
    }

/** Exit code of a worker that an uncaught error ends; it has logged the error itself. */
export const CRASHED = 70

/** What a worker is started with (`workerData`). */
export interface WorkerStart {
  /** Column number, 0 to workers - 1. */
  readonly worker: number
  readonly workers: number
  /** How many of them serve at a time, see `CellSpace`. */
  readonly sharing: number
  readonly plugins: readonly PluginModule[]
  readonly pages: readonly Page[]
  /** This worker's own metric pages. */
  readonly floats: readonly Page[]
  readonly heartbeat: CellRef
  /** Words: first of `PRESSURE_WORDS`. */
  readonly pressure: CellRef
  /** Words, one per worker: see `cells/mailbox.ts`. */
  readonly mailboxes: readonly CellRef[]
  /** Access-log ring, see cells/ring.ts; undefined: there is no access log. */
  readonly ring: SharedArrayBuffer | undefined
  /** Dead read buffers are freed before V8 does. */
  readonly earlyCollection: boolean
  readonly testHooks: boolean
}
