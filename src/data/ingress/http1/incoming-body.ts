import type { Duplex } from 'node:stream'
import type { Failure } from '../../../core/failures.ts'
import type { FlatHeaders } from '../../../lib/headers.ts'
import { ClientRequest } from '../common/client-request.ts'
import type { HeadGuard, RawHead } from '../common/guard.ts'
import type { BodySink } from './body-decoder.ts'
import { lengthOf, Parts } from './parts.ts'
import type { RequestConnection } from './request-connection.ts'

const NO_FIELDS: FlatHeaders = Object.freeze([])

/** The half of a downstream that brings the request's body: what is not wanted yet waits. */
export abstract class IncomingBody extends ClientRequest<RequestConnection> implements BodySink {
  /** @internal */
  keepsConnection: boolean
  /** @internal The client asked for the close of the connection. */
  readonly asksToClose: boolean
  /** @internal All of the request was parsed. */
  received: boolean
  /** @internal */
  bodyTrailers: FlatHeaders = NO_FIELDS
  protected readonly socket: Duplex
  /** Made when something must wait. */
  private waiting: Parts | undefined = undefined
  private flowing = false

  constructor(
    connection: RequestConnection,
    socket: Duplex,
    head: RawHead,
    guard: HeadGuard,
    refusal: Failure | undefined,
  ) {
    super(connection, head, guard, refusal)
    this.socket = socket
    this.received = guard.contentLength === 0
    this.asksToClose = !guard.persistent
    this.keepsConnection = guard.persistent && refusal === undefined
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
    return lengthOf(this.waiting)
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

  /** @internal */
  override onBodyCut(): void {
    this.waiting?.clear()
    super.onBodyCut()
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
