import type { Duplex } from 'node:stream'
import type { DownstreamEvents, Peer } from '../../../core/downstream.ts'
import type { Failure } from '../../../core/failures.ts'
import type { FlatHeaders } from '../../../lib/headers.ts'
import { type BodyConnection, type BodyOwner, ClientBody } from './client-body.ts'
import type { HeadGuard, RawHead } from './guard.ts'

/** The connection that a request came on. `D`: its requests. */
export interface ClientConnection<D> extends BodyConnection {
  readonly peer: Peer
  readonly draining: boolean
  /** The answer whose head goes out now is the last. `expected`: the client asked for that, and sends nothing more. */
  closing(expected: boolean): void
  /** The head promised that the connection stays open, but the body is not read to its end. */
  closeWhenAnswered(): void
  /** Sends FIN; the client has some time to do the same. */
  end(): void
  /** `visibly`: by a reset, where a FIN would look like the end of the answer. */
  break(visibly: boolean): void
  /** `downstream` has ended; the next request in line is taken. */
  answered(downstream: D): void
}

/** Length of an answer: bytes still due, or one of these. */
export const CHUNKED = -1
export const TO_THE_END = -2

/** Unsent bytes above which 1xx answers are left out: the client does not read. */
export const EARLY_BYTES = 16_384

/** A request on a connection of HTTP/1: what of it, of its body and of how it ends does not depend on what reads and writes. */
export abstract class ClientRequest<C extends ClientConnection<never>> implements BodyOwner {
  readonly method: string
  readonly target: string
  readonly host: string
  readonly authority: string
  readonly headers: FlatHeaders
  readonly protocol: 'HTTP/1.0' | 'HTTP/1.1'
  readonly peer: Peer
  readonly contentLength: number
  readonly upgrade: string | undefined
  brokenRule: string | undefined = undefined
  bytesOut = 0
  /** @internal A failure found by the guard, or in the body before a handler attached. */
  refusal: Failure | undefined
  /** @internal */
  events: DownstreamEvents | undefined = undefined
  /** @internal No event follows, calls do nothing. */
  over = false
  /** @internal */
  headSent = false
  /** @internal The answer is a stream of events, which may be silent for long. */
  openEnded = false
  protected readonly connection: C
  /** undefined: none. */
  protected readonly body: ClientBody | undefined
  protected bodiless: boolean
  protected due = CHUNKED
  /** @internal All of the answer was given. */
  ended = false
  /** Still in the turn of the event loop in which the head was given. */
  protected fresh = false
  /** The operating system has the answer. */
  protected flushed = false
  /** The answer contradicted its head. */
  protected inconsistent = false

  constructor(connection: C, head: RawHead, guard: HeadGuard, refusal: Failure | undefined) {
    this.connection = connection
    this.refusal = refusal
    this.method = head.method as string
    this.target = guard.target
    this.host = guard.host
    this.authority = guard.authority
    this.headers = head.rawHeaders
    this.protocol = guard.protocol
    this.peer = connection.peer
    this.contentLength = guard.contentLength
    this.upgrade = guard.upgrade
    this.body = guard.contentLength === 0 ? undefined : new ClientBody(this, connection, guard)
    this.bodiless = head.method === 'HEAD'
  }

  abstract readonly received: boolean
  abstract readonly bodyTrailers: FlatHeaders
  abstract readonly keepsConnection: boolean
  abstract readBody(): void
  abstract holdBody(): void
  abstract goOnWithBody(): void
  abstract askForBody(): void
  abstract closeAfter(): void

  attach(events: DownstreamEvents): void {
    this.events = events
  }

  get bytesIn(): number {
    return this.body === undefined ? 0 : this.body.bytesIn
  }

  startBody(): void {
    if (!this.over) this.body?.start()
  }

  pauseBody(): void {
    this.body?.pause()
  }

  resumeBody(): void {
    if (!this.over) this.body?.resume()
  }

  discardBody(): void {
    if (!this.over) this.body?.discard()
  }

  /** @internal The rest of this request cannot be parsed. */
  breakBody(failure: Failure): void {
    if (this.over) return
    this.brokenRule = failure.rule
    this.body?.breakOff(failure)
  }

  /** @internal */
  onBodyCut(): void {
    if (this.flushed) this.connection.end()
    else if (!this.headSent) this.closeAfter()
    else this.connection.closeWhenAnswered()
  }

  /** @internal */
  onBroken(failure: Failure): void {
    this.refusal ??= failure
  }

  /**
   * Whether a 1xx answer may go out. It is not worth memory, nor the final answer: what the client does not read, or cannot be
   * written, is left out.
   */
  protected takesInformation(status: number): boolean {
    return !this.over && !this.headSent && this.protocol !== 'HTTP/1.0' && status >= 102 && status <= 199
  }

  /** Counts a part of the answer's body. False: it does not go out. */
  protected takes(length: number): boolean {
    if (this.over || this.ended || length === 0) return false
    if (!this.headSent) {
      this.breakOff()
      return false
    }
    if (this.bodiless) return false
    if (this.due >= 0) {
      if (length > this.due) {
        this.breakOff()
        return false
      }
      this.due -= length
    }
    this.bytesOut += length
    return true
  }

  protected get takesTrailers(): boolean {
    return !this.over && !this.ended && !this.bodiless && this.due === CHUNKED && this.headSent
  }

  /** All of the answer was given. False: that was known, or it contradicts the head. */
  protected ends(): boolean {
    if (this.over || this.ended) return false
    if (!this.headSent || this.due > 0) {
      this.breakOff()
      return false
    }
    this.ended = true
    return true
  }

  reset(): void {
    if (this.over) return
    this.over = true
    this.body?.leave()
    this.break()
  }

  /** Where no 101 goes out, no caller has a tunnel to ask for. */
  tunnel(): Duplex {
    throw new Error('this request was not upgraded')
  }

  /** The answer contradicts its head. `onGone` follows with the end of the connection. */
  private breakOff(): void {
    this.inconsistent = true
    this.break()
  }

  /** The connection is gone before the answer was whole. */
  protected lose(): void {
    this.over = true
    this.body?.leave()
    this.events?.onGone(this.inconsistent ? 'inconsistent' : 'closed')
  }

  /** Ends the connection in a way that cannot be taken for the end of the answer. */
  private break(): void {
    this.connection.break(this.headSent && this.due === TO_THE_END)
  }
}
