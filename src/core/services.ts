import type { Duplex } from 'node:stream'
import type { Exchange } from './exchange.ts'
import type { Failure } from './failures.ts'
import type { Source } from './source.ts'
import type { Reply, WholeReply } from './verdict.ts'

/** The head of a request that a feature makes. */
export interface SideHead {
  readonly method: string
  /** Origin form: path and query. */
  readonly target: string
  /** Host; undefined: that of the endpoint. */
  readonly authority?: string | undefined
  /** Flat, as the upstream gets them. Fields of one connection are left out; Sluice writes those of correlation and trace. */
  readonly headers: readonly string[]
}

/** A request of a feature's own to an upstream: two attempts at most, the second one only if nothing was sent by the first. */
interface SideRequest {
  /** Name in the config; a schema that reads it from options is `reference('upstream')`. */
  readonly upstream: string
  readonly head: SideHead
  /**
   * The request that it is made for: it has its correlation ID, its place in the trace and its client, is told in its story,
   * has no more time than that has left, and is cancelled when that ends.
   */
  readonly parent?: Exchange
  /** It has its own time, and goes on when its parent has ended. */
  readonly detached?: boolean
  /** Milliseconds from now, above 0. Of a stream: until the head of its answer, and for each silence from then on. */
  readonly deadlineMs: number
  /**
   * Whether its outcome counts: for a circuit breaker of its own (per worker, feature and upstream; it never touches those
   * of routes), for outlier detection, and for the latency of the endpoint.
   */
  readonly teaches: boolean
}

export interface CallRequest extends SideRequest {
  readonly body?: Buffer
  /** Bytes of the answer's body; above it `response_incomplete`. */
  readonly maxBody: number
}

export interface StreamRequest extends SideRequest {
  /** Sent as fast as the upstream takes it; owned by the stream from now on. */
  readonly body?: Source
}

/** How the rest of a chain is run again. */
export interface ForkOptions {
  /** Name of a place of the feature: the policies behind the one that it has there, on the exchange's route, are asked. */
  readonly behind: string
  /** Fields for upstreams in the place of those of the request, flat: without conditions of its client, for example. */
  readonly headers?: readonly string[]
  /** Bytes of the answer's body. */
  readonly maxBody: number
}

/** How another connection is asked for, see `Services.connect`. */
export interface ConnectOptions {
  /** See {@link ForkOptions}. */
  readonly behind: string
  /** The endpoint (`Attempt.endpoint`) that is asked last where its upstream has others in service. */
  readonly last: string
}

/** What an upstream answered to an upgrade. */
export interface Connected extends Reply {
  readonly body: undefined
  /** `Attempt.endpoint`. */
  readonly endpoint: string
  /** Behind a 101: paused, and the asker's to end. undefined: it answered with another status. */
  readonly socket: Duplex | undefined
}

/** A request that is under way. */
export interface Side<A> {
  /** Never rejects. A failure: of Sluice's own, or what it would tell a client; answers of any status are answers. */
  readonly result: Promise<A | Failure>
  /** The result is no longer wanted: it is `client_gone`, at once. Later calls do nothing. */
  cancel(): void
}

/**
 * What the engine offers to a feature. Requests are bounded in number per worker and feature (`bulkhead_full`), hold permits
 * and connections of their upstream like any other, have lines, spans and metrics of their own, and are drained.
 */
export interface Services {
  /** A request whose answer is kept in memory. */
  call(request: CallRequest): Side<WholeReply>
  /** A request whose body and answer are read as fast as they are taken. The answer's body must be read or cancelled. */
  stream(request: StreamRequest): Side<Reply>
  /**
   * The rest of the chain of an exchange again, without its client and its body, as the request is now: for a refresh or a
   * fill. It has the limits of the route, does not end with the exchange, and does not count as a request.
   */
  fork(ex: Exchange, options: ForkOptions): Side<WholeReply>
  /**
   * The upgrade of an exchange that is a tunnel (`ex.upgrade`) again: the rest of its chain is asked, and there are attempts with
   * the limits of the route. It ends with the exchange, whose stream the connection is part of: `stream` and `tunnel` hooks
   * are not asked.
   */
  connect(ex: Exchange, options: ConnectOptions): Side<Connected>
  /** `ex.forwardHeaders`, made now if needed: end-to-end fields of the request plus ours. The caller may change it. */
  forwardHeaders(ex: Exchange): string[]
  /** Whether the path decides over the endpoint of a request, at any upstream that it may go to. */
  hashesPath(ex: Exchange): boolean
  /** Median of the milliseconds to the head of an answer of its route, as this worker saw it recently; 0: unknown. */
  typicalMs(ex: Exchange, now: number): number
}
