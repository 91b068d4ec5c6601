import type { Duplex } from 'node:stream'
import type { FlatHeaders } from '../lib/headers.ts'
import type { LifeLimit, LifeLimits } from '../lib/lifetime.ts'
import type { Phase, Reason } from './failures.ts'

/** One attempt as the wire sees it. Hop-by-hop fields and framing fields are already gone from `headers`. */
export interface TransportRequest {
  readonly method: string
  /** Origin form, sent byte for byte. */
  readonly target: string
  /** Value of Host (or `:authority`). */
  readonly authority: string
  /** Without host, content-length, transfer-encoding and connection: the transport writes these. */
  readonly headers: FlatHeaders
  /** Bytes of body; 0: none; -1: unknown. */
  readonly contentLength: number
}

/** A failure with the facts that decide whether another attempt is safe. */
export interface TransportFailure {
  readonly reason: Reason
  readonly phase: Phase
  readonly proxyStatus?: string
  /** A connection was there. */
  readonly connected: boolean
  /** The connection had served a request before (its keep-alive may have expired under us). */
  readonly reused: boolean
  /** A byte of the request may have been sent. */
  readonly bytesSent: boolean
  /** The request had been written whole. */
  readonly requestDone: boolean
  /** A byte of the answer had arrived. */
  readonly responseStarted: boolean
  /** If the answer cannot be parsed: what is wrong with it, see `Failure.rule`. */
  readonly rule?: string
  /** For the operational log only. */
  readonly cause?: unknown
}

/** What a transport tells about one attempt. After `onEnd`, `onFailure` or `onUpgraded` nothing follows. */
export interface TransportEvents {
  /**
   * The longest part of an answer, in bytes, that `onData` is through with when it returns: the memory of such a part may be
   * used again then, and need not be its own. Asked before each part; undefined: parts are kept, of any length.
   */
  readonly borrows?: number
  /** Whether a longer part is still in use; asked right after `onData`. undefined: it may be, as long as it is reachable. */
  readonly keeps?: boolean
  /** A connection is there and the head is about to be sent: the attempt has begun. At most once. */
  onConnected(reused: boolean): void
  /** Only for requests with a body: the connection wants it now. At most once. */
  onWantBody(): void
  /** After `write` returned false: there is room again. */
  onDrain(): void
  /** 1xx other than 100 and 101. */
  onInformational(status: number, headers: FlatHeaders): void
  onHead(status: number, headers: FlatHeaders): void
  onData(chunk: Buffer): void
  onTrailers(headers: FlatHeaders): void
  onEnd(): void
  onUpgraded(headers: FlatHeaders, socket: Duplex): void
  onFailure(failure: TransportFailure): void
}

/**
 * A connection that serves one request at a time. Opening is lazy: `start` connects where it must. A connection that
 * failed, or whose peer asked to close, is `closed` afterwards and is never given a request again.
 */
export interface Connection {
  readonly closed: boolean
  /** Requests served so far. */
  readonly served: number
  /** The limit of its life that ended it; undefined: none has. */
  readonly retired: LifeLimit | undefined
  /** Begins an attempt. Refusals, too, arrive through `events`, never by throwing. */
  start(request: TransportRequest, events: TransportEvents): void
  /** Request body. False: wait for `onDrain`. */
  write(chunk: Buffer): boolean
  /** End of the request body; trailers are dropped where the protocol cannot carry them. */
  end(trailers: FlatHeaders): void
  /** Backpressure on the answer. */
  pause(): void
  resume(): void
  /** Ends the attempt without any further event and closes the connection. */
  abort(): void
  /** Closes an idle connection. */
  close(): void
}

/** What a transport tells about the life of a connection that it made. */
export interface ConnectionOwner {
  /** The attempt ended and the connection can serve another one. Called after `onEnd`. */
  onIdle(connection: Connection): void
  /** The connection is gone, idle or not. Called once, after the attempt's own last event. */
  onClosed(connection: Connection): void
}

/** Where connections go. */
export interface Target {
  /** IP address, or `unix:` and a path; names are resolved by the control plane. */
  readonly address: string
  readonly port: number
  readonly tls: TlsTarget | undefined
}

/** TLS towards a target; texts are PEM. */
export interface TlsTarget {
  /** SNI and the name that the certificate must carry. */
  readonly serverName: string
  /** PEM; undefined: the system's trust store. */
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  readonly verify: boolean
}

/** Bounds of one connection. Once it has reached its age, or had its requests, it gets no other one. */
export interface ConnectionOptions extends Partial<LifeLimits> {
  /** TCP and TLS together, milliseconds. */
  readonly connectTimeoutMs: number
  /** An idle connection is closed after this; a peer's `Keep-Alive: timeout` hint minus 1 s shortens it. */
  readonly keepAliveMs: number
}

/** A protocol towards upstreams. Nothing outside its files knows more. */
export interface Transport {
  readonly name: string
  open(target: Target, options: ConnectionOptions, owner: ConnectionOwner): Connection
}
