import type { Socket } from 'node:net'
import type { DownstreamEvents, Peer } from '../../../core/downstream.ts'
import type { Failure } from '../../../core/failures.ts'
import type { FlatHeaders } from '../../../lib/headers.ts'
import { type BodyOwner, ClientBody } from '../common/client-body.ts'
import type { HeadGuard } from '../common/guard.ts'
import type { BodySink } from './body-decoder.ts'
import { Parts } from './parts.ts'
import type { RequestConnection } from './request-connection.ts'

/** The half of a downstream that brings the request's body: what is not wanted yet waits. */
export abstract class IncomingBody implements BodyOwner, BodySink {
  readonly peer: Peer
  readonly contentLength: number
  brokenRule: string | undefined = undefined
  /** @internal A failure found by the guard, or in the body before a handler attached. */
  refusal: Failure | undefined
  /** @internal */
  events: DownstreamEvents | undefined = undefined
  /** @internal No event follows, calls do nothing. */
  over = false
  /** @internal */
  headSent = false
  /** @internal */
  keepsConnection: boolean
  /** @internal All of the request was parsed. */
  received: boolean
  /** @internal */
  bodyTrailers: FlatHeaders = []
  protected readonly connection: RequestConnection
  protected readonly socket: Socket
  /** undefined: none. */
  protected readonly body: ClientBody | undefined
  /** The operating system has the answer. */
  protected flushed = false
  /** Made when something must wait. */
  private waiting: Parts | undefined = undefined
  private flowing = false

  constructor(connection: RequestConnection, socket: Socket, guard: HeadGuard, refusal: Failure | undefined) {
    this.connection = connection
    this.socket = socket
    this.refusal = refusal
    this.peer = connection.peer
    this.contentLength = guard.contentLength
    this.received = guard.contentLength === 0
    this.body = guard.contentLength === 0 ? undefined : new ClientBody(this, connection, guard)
    this.keepsConnection = guard.persistent && refusal === undefined
  }

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

  /** @internal */
  readBody(): void {
    this.flowing = true
    // Never within the call that asked for it.
    if (this.received || this.waitingBytes > 0) process.nextTick(deliver, this)
  }

  /** @internal */
  holdBody(): void {
    this.flowing = false
  }

  /** @internal */
  goOnWithBody(): void {
    this.readBody()
  }

  /** @internal */
  askForBody(): void {
    this.socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1')
  }

  /** @internal Bytes of the body that wait to be wanted. */
  get waitingBytes(): number {
    return this.waiting === undefined ? 0 : this.waiting.length
  }

  /** @internal */
  onPart(part: Buffer): void {
    if (this.flowing && this.waitingBytes === 0) this.body?.onData(part)
    else {
      this.waiting ??= new Parts()
      this.waiting.add(part)
    }
  }

  /** @internal The body is whole. */
  onReceived(trailers: FlatHeaders): void {
    this.received = true
    this.bodyTrailers = trailers
    if (this.flowing && this.waitingBytes === 0) this.body?.onEnd()
  }

  /** @internal The rest of this request cannot be parsed. */
  breakBody(failure: Failure): void {
    if (this.over) return
    this.brokenRule = failure.rule
    this.body?.breakOff(failure)
  }

  /** @internal */
  onBodyCut(): void {
    this.waiting?.clear()
    if (this.flushed) this.connection.end()
    else if (!this.headSent) this.closeAfter()
    else this.connection.closeWhenAnswered()
  }

  /** @internal */
  onBroken(failure: Failure): void {
    this.refusal ??= failure
  }

  /** @internal What has waited is told, as long as it is wanted. */
  deliver(): void {
    const { body, waiting } = this
    if (body === undefined) return
    while (this.flowing && !this.over) {
      const part = waiting?.take()
      if (part === undefined) break
      body.onData(part)
    }
    if (this.flowing && this.received && this.waitingBytes === 0) body.onEnd()
    this.connection.regulate()
  }
}

function deliver(body: IncomingBody): void {
  body.deliver()
}
