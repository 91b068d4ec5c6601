import type { Duplex } from 'node:stream'
import type { FlatHeaders } from '../lib/headers.ts'

/** The connection a request came over. */
export interface Peer {
  /** IP address of the other end, IPv4-mapped IPv6 written as IPv4; `unix` over a socket with a path. */
  readonly address: string
  readonly port: number
  /** Port of our end. */
  readonly localPort: number
  readonly secure: boolean
  /** Name of the listener in the config. */
  readonly listener: string
}

/** What was read of input that never became a request: bounded; empty if nothing was read. */
export interface Glimpse {
  readonly method: string
  readonly target: string
  readonly host: string
}

/**
 * Why a downstream has ended. `inconsistent`: what it was told to write contradicts the head that it was told to send; the
 * connection is closed, so that the client sees a broken answer. A bug of the caller.
 */
export type Gone = 'closed' | 'malformed' | 'too_slow' | 'inconsistent'

/** What a downstream tells the handler of its request. */
export interface DownstreamEvents {
  onBody(chunk: Buffer): void
  /** The whole body was delivered. */
  onBodyEnd(trailers: FlatHeaders): void
  /** After `write` returned false: there is room again. */
  onDrain(): void
  /**
   * The request or its connection broke before the answer ended; nothing follows. `malformed`: the body's framing is
   * broken; `too_slow`: the body's silence exceeded the listener's `timeouts.body`. For these two an answer may still be
   * sent if its head was not.
   */
  onGone(why: Gone): void
  /** The last byte of the answer was handed to the operating system. Called once, never after `onGone`. */
  onSent(): void
}

/**
 * A source of exchanges: one request and the way to answer it. Nothing outside `ingress/` knows more of it than this. All
 * calls are synchronous and none throws after the client has gone (they do nothing then).
 */
export interface Downstream {
  /** As sent, upper and lower case kept. */
  readonly method: string
  /** Origin form, byte for byte as sent (absolute form is already reduced), or `*`. Always latin1 text. */
  readonly target: string
  /** Host without port, lower-case, without trailing dot; `''` where HTTP requires none (HTTP/1.0 without Host). */
  readonly host: string
  /** Host with port as the client wrote it (of the target in absolute form). */
  readonly authority: string
  readonly headers: FlatHeaders
  readonly protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2'
  readonly peer: Peer
  /** Bytes; 0 without a body, -1 when the length is unknown. */
  readonly contentLength: number
  /** Bytes of body received so far. */
  readonly bytesIn: number
  /** Bytes of body written so far. */
  readonly bytesOut: number
  /** The list of protocols in `Upgrade`, lower-case, where `Connection` names it; undefined: no change of protocol is offered. */
  readonly upgrade: string | undefined
  /** Why the connection cannot be handed over, whatever the request is; undefined: it can. */
  readonly noUpgrade?: string | undefined
  /**
   * The connection has closed, or the answer has ended: `onGone` or `onSent` was called, or will be within the turns of the
   * event loop that a close takes. The sweep reads it to find exchanges that missed the call.
   */
  readonly gone: boolean
  /** After `malformed`: the rule that the body broke, see `Failure.rule`. */
  readonly brokenRule?: string | undefined

  attach(events: DownstreamEvents): void

  /** Asks for the body: sends `100 Continue` where the client waits for it, then delivers. Call it once. */
  startBody(): void
  pauseBody(): void
  resumeBody(): void
  /** The rest of the body is not needed: it is read up to a bound and dropped, or the connection closes after the answer. */
  discardBody(): void

  /** A 1xx answer other than 100 and 101. Left out if a field cannot be sent, and while the client does not read. */
  informational(status: number, headers: FlatHeaders): void
  /**
   * The final head. Hop-by-hop fields must be gone; framing is the downstream's business: with a `content-length` field
   * exactly that many bytes must follow, without one the body is chunked (HTTP/1.0: ends with the connection). Values are
   * octets and go out as they are; `trailer` goes out only where trailers can follow. False: a field cannot be sent
   * (control characters, two lengths, a transfer coding), or of 101, the connection cannot be handed over; nothing went
   * out, another head may follow.
   */
  head(status: number, headers: FlatHeaders): boolean
  /** False: wait for `onDrain` before writing more. */
  write(chunk: Buffer): boolean
  /**
   * The longest chunk, in bytes, that `write` is through with when it returns, so that its memory may be used again;
   * undefined: chunks are kept, of any length.
   */
  readonly borrows?: number
  /** Whether a longer chunk is still in use; asked right after `write`. undefined: it may be, as long as it is reachable. */
  readonly keeps?: boolean
  /**
   * Response trailers, before `end`; dropped where the protocol cannot carry them. A trailer that cannot be sent is dropped
   * alone.
   */
  trailers(headers: FlatHeaders): void
  end(): void
  /** Breaks the answer so that the client can see that it is not whole. */
  reset(): void
  /** Closes the connection politely after this answer (`Connection: close`). Before `head`. */
  closeAfter(): void
  /** After `head(101)`, in the same turn: the raw connection, paused, with what the client sent behind its request in front. */
  tunnel(): Duplex
}
