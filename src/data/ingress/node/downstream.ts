import type { Downstream } from '../../../core/downstream.ts'
import type { Failure } from '../../../core/failures.ts'
import { isLength, isSendable, saysStream, trailerPairs } from '../../../http/wire/sendable.ts'
import { type FlatHeaders, isNamed } from '../../../lib/headers.ts'
import { CHUNKED, type ClientConnection, ClientRequest, EARLY_BYTES, TO_THE_END } from '../common/client-request.ts'
import type { HeadGuard } from '../common/guard.ts'
import { forNode, isSpecial } from './fields-for-node.ts'
import type { Incoming, Outgoing } from './messages.ts'

/** Answers up to this size are written in one piece with their head. */
const SMALL_BYTES = 8192
const NOTHING = Buffer.alloc(0)

/** The connection that such a request came on. */
export interface NodeClientConnection extends ClientConnection<NodeDownstream> {
  /** All of a body has come. */
  onReceived(): void
}

/**
 * A request over node:http. Only flat headers are touched, only Buffers and latin1 are written: with other strings node
 * would encode head and body as UTF-8 in one piece. node does not hold answers to their announced length; this class does.
 */
export class NodeDownstream extends ClientRequest<NodeClientConnection> implements Downstream {
  readonly noUpgrade = 'This listener speaks by node:http (http1: node), which does not change the protocol.'
  private readonly req: Incoming
  private readonly res: Outgoing
  /** The client asked for the close of the connection. */
  private readonly asksToClose: boolean
  private written = false
  /** All of the answer's body, held while its end can still follow in the same turn. */
  private whole: Buffer | undefined = undefined
  private listensForDrain = false

  constructor(
    connection: NodeClientConnection,
    req: Incoming,
    res: Outgoing,
    guard: HeadGuard,
    refusal: Failure | undefined,
  ) {
    super(connection, req, guard, refusal)
    this.req = req
    this.res = res
    this.asksToClose = !res.shouldKeepAlive
    if (refusal !== undefined) res.shouldKeepAlive = false
    req.downstream = this
    res.downstream = this
    res.on('close', onClose)
  }

  // --- the request's body

  /** @internal */
  get received(): boolean {
    return this.body === undefined || this.req.complete
  }

  /** @internal Requests that frameworks inject in tests have none at all. */
  get bodyTrailers(): FlatHeaders {
    return this.req.rawTrailers ?? []
  }

  /** @internal */
  get keepsConnection(): boolean {
    return this.res.shouldKeepAlive
  }

  /** @internal */
  readBody(): void {
    this.req.on('data', onData)
    this.req.on('end', onEnd)
  }

  /** @internal */
  holdBody(): void {
    this.req.pause()
  }

  /** @internal */
  goOnWithBody(): void {
    this.req.resume()
  }

  /** @internal */
  askForBody(): void {
    this.res.writeContinue()
  }

  /** @internal */
  onBody(chunk: Buffer): void {
    this.body?.onData(chunk)
  }

  /** @internal */
  onBodyEnd(): void {
    this.connection.onReceived()
    this.body?.onEnd()
  }

  // --- the answer

  informational(status: number, headers: FlatHeaders): void {
    if (!this.takesInformation(status) || this.res.writableLength > EARLY_BYTES || !isSendable(headers)) return
    this.res.writeInformation(status, headers as string[])
  }

  head(status: number, headers: FlatHeaders): boolean {
    if (this.over || this.headSent) return true
    if (status === 101) return false
    const { res } = this
    const old = this.protocol === 'HTTP/1.0'
    const bodiless = this.bodiless || status === 204 || status === 304
    let due = old ? TO_THE_END : CHUNKED
    let openEnded = false
    let special = false
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i] as string
      if (isNamed(name, 'content-length')) {
        if (due >= 0 || !isLength(headers[i + 1] as string)) return false
        due = Number(headers[i + 1])
      } else if (isNamed(name, 'transfer-encoding')) return false
      else if (saysStream(name, headers[i + 1] as string)) openEnded = true
      else if (!special && isSpecial(name)) special = true
    }
    let fields = headers
    if (special || status === 204) fields = forNode(headers, status !== 204, due === CHUNKED && !bodiless)
    // Checked before node does: once it has taken an answer for one without a body, it does not take that back.
    if (bodiless && !this.bodiless && !isSendable(fields)) return false
    // `TE: chunked` would make node send chunks to an HTTP/1.0 client.
    if (old) res.useChunkedEncodingByDefault = false
    if (this.connection.draining || this.body?.isLeftBy(status)) res.shouldKeepAlive = false
    try {
      res.writeHead(status, fields as string[])
    } catch {
      res.statusMessage = ''
      return false
    }
    this.bodiless = bodiless
    this.due = bodiless ? 0 : due
    this.openEnded = openEnded
    this.headSent = true
    this.fresh = true
    if (!res.shouldKeepAlive || (old && due < 0))
      this.connection.closing(this.asksToClose && (this.body === undefined || this.body.complete))
    process.nextTick(flushHead, this)
    return true
  }

  /** @internal What was given in the turn of the head goes out now: neither it nor the head waits for what follows. */
  flushHead(): void {
    this.fresh = false
    if (this.ended || this.over || this.bodiless) return
    if (this.whole !== undefined) this.res.write(this.whole)
    this.whole = undefined
    if (this.written) return
    // Not flushHeaders: it sends the head as UTF-8.
    this.res.write(NOTHING)
  }

  write(chunk: Buffer): boolean {
    if (!this.takes(chunk.length)) return true
    const { res } = this
    if (this.due === 0 && this.fresh && !this.written && chunk.length <= SMALL_BYTES) {
      this.whole = chunk
      this.written = true
      return true
    }
    this.written = true
    if (res.write(chunk)) return true
    if (!this.listensForDrain) {
      this.listensForDrain = true
      res.on('drain', onDrain)
    }
    return false
  }

  trailers(headers: FlatHeaders): void {
    if (!this.takesTrailers) return
    this.res.addTrailers(trailerPairs(headers))
  }

  end(): void {
    if (!this.ends()) return
    const { whole } = this
    this.whole = undefined
    // As a string, head and body leave in one piece: that costs much less than two writes.
    if (whole === undefined) this.res.end()
    else this.res.end(whole.toString('latin1'), 'latin1')
  }

  closeAfter(): void {
    if (!this.headSent) this.res.shouldKeepAlive = false
  }

  /** @internal The client has closed its side, and more may wait than node:http has parsed: it must not close behind this. */
  expectsMore(): void {
    if (this.res.shouldKeepAlive) this.res._last = false
  }

  get gone(): boolean {
    return this.over || this.res.closed || this.req.socket.destroyed
  }

  /** @internal */
  onDrain(): void {
    if (!this.over && !this.ended) this.events?.onDrain()
  }

  /** @internal The answer was flushed, or the connection is gone. */
  onClose(): void {
    this.flushed = this.res.writableFinished
    if (!this.over) {
      if (this.flushed) {
        this.discardBody()
        this.events?.onSent()
      } else this.lose()
    }
    this.connection.answered(this)
  }
}

function onData(this: Incoming, chunk: Buffer): void {
  this.downstream?.onBody(chunk)
}

function onEnd(this: Incoming): void {
  this.downstream?.onBodyEnd()
}

function onDrain(this: Outgoing): void {
  this.downstream?.onDrain()
}

function onClose(this: Outgoing): void {
  this.downstream?.onClose()
}

function flushHead(downstream: NodeDownstream): void {
  downstream.flushHead()
}
