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
  /** The protocol to change to, a lower-case token, see `onUpgraded`; undefined: none. Only of a request without a body. */
  readonly upgrade?: string | undefined
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
  /**
   * The peer says that it has done nothing with the request, however much of it was sent (RFC 9113 section 8.7: REFUSED_STREAM,
   * or a stream above the last one that a GOAWAY names): it may be repeated, whatever its method. `goes_away`: the link takes no
   * further stream, and closes; `refused`: it stays, and is overloaded. False: it may have done something.
   */
  readonly refusedUnprocessed: 'goes_away' | 'refused' | false
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
  /** The answer is whole. `failed`: it says itself, behind its head, that the request failed: nothing is wrong with its bytes. */
  onEnd(failed: boolean): void
  /**
   * The answer is 101, to the protocol that was asked for. `duplex`: the connection, paused, with what came behind the head in
   * front. It belongs to the caller, who destroys it; the place on the link is given back when it has closed.
   */
  onUpgraded(headers: FlatHeaders, duplex: Duplex): void
  onFailure(failure: TransportFailure): void
}

/** One attempt on a link. Once it has ended nothing may be called: a link that serves one at a time is itself the stream. */
export interface UpstreamStream {
  /** Request body, from `onWantBody` on. False: wait for `onDrain`. */
  write(chunk: Buffer): boolean
  /** End of the request body; trailers are dropped where the protocol cannot carry them. */
  end(trailers: FlatHeaders): void
  /** Backpressure on the answer. */
  pause(): void
  resume(): void
  /** Ends the attempt without any further event; the link closes with it if the protocol has no other way. */
  abort(): void
}

/** Has the place of a stream on its link. Told nothing after `abort`. */
export interface StreamHolder {
  /** The place is given back: after the last event of the attempt, or once what was handed over by `onUpgraded` has closed. */
  onReleased(): void
  /**
   * Nothing of the request was sent, and nothing was told of it: the link took it while its capacity was only assumed, and has
   * no room after all. It needs a place on another one; of several the last that was given comes first.
   */
  onReturned(): void
}

/** `open`: takes streams. `leaving`: takes no further one, those under way go on, and it closes after the last. */
export type LinkState = 'open' | 'leaving' | 'closed'

/**
 * A connection to a target. Opening is lazy: `start` connects where it must. A link that failed, or whose peer asked to
 * close, is never given a stream again.
 */
export interface Link {
  readonly state: LinkState
  /**
   * Streams that it serves at a time; may change while it lives. While it is being opened this is what the protocol lets
   * assume: so many streams wait for the one connection, and share its failure, instead of a connection each.
   */
  readonly capacity: number
  /** Streams that have ended, by an answer. */
  readonly served: number
  /** The limit of its life that ended it; undefined: none has. */
  readonly retired: LifeLimit | undefined
  /**
   * Begins an attempt: only while `open`, and below `capacity`. No event comes before it has returned. Refusals, too, arrive
   * through `events`, never by throwing.
   */
  start(request: TransportRequest, events: TransportEvents, holder: StreamHolder): UpstreamStream
  /** Closes it if it has no stream. */
  close(): void
}

/** What a transport tells about the life of a link that it made. */
export interface LinkOwner {
  /** `capacity` has changed, or is known for the first time; streams without room were returned before. */
  onCapacity(): void
  /** It is `leaving`: its peer, or a limit of its life, wants no further stream on it. */
  onGoAway(): void
  /** The link is gone, idle or not. Called once, after the last events of all its attempts. */
  onClosed(): void
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

/** Bounds of one link. Once it has reached its age, or had its requests, it gets no other one. */
export interface LinkOptions extends Partial<LifeLimits> {
  /** TCP and TLS together, milliseconds. */
  readonly connectTimeoutMs: number
  /** An idle link is closed after this; a peer's `Keep-Alive: timeout` hint minus 1 s shortens it. */
  readonly keepAliveMs: number
}

/** A protocol by its name in ALPN (RFC 7301). */
export type Protocol = 'http/1.1'

/** How to speak a protocol to upstreams. Nothing outside its files knows more. */
export interface Transport {
  readonly protocol: Protocol
  open(target: Target, options: LinkOptions, owner: LinkOwner): Link
}
