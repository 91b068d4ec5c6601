import type { Duplex } from 'node:stream'
import type { Downstream, DownstreamEvents, Peer } from '../../../core/downstream.ts'
import type { Failure } from '../../../core/failures.ts'
import type { FlatHeaders } from '../../../lib/headers.ts'
import { isLength, isSendable, trailerPairs } from '../common/answer-fields.ts'
import { type BodyConnection, type BodyOwner, ClientBody } from '../common/client-body.ts'
import type { HeadGuard } from '../common/guard.ts'
import { forNode, isSpecial } from './fields-for-node.ts'
import type { Incoming, Outgoing } from './messages.ts'

/** The connection that a request came on. */
export interface ClientConnection extends BodyConnection {
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
  answered(downstream: NodeDownstream): void
}

/** Length of an answer: bytes still due, or one of these. */
const CHUNKED = -1
const TO_THE_END = -2

/** Answers up to this size are written in one piece with their head. */
const SMALL_BYTES = 8192
/** Unsent bytes above which 1xx answers are left out: the client does not read. */
const EARLY_BYTES = 16_384
const NOTHING = Buffer.alloc(0)

/**
 * A request over node:http. Only flat headers are touched, only Buffers and latin1 are written: with other strings node
 * would encode head and body as UTF-8 in one piece. node does not hold answers to their announced length; this class does.
 */
export class NodeDownstream implements Downstream, BodyOwner {
  readonly method: string
  readonly target: string
  readonly host: string
  readonly authority: string
  readonly headers: FlatHeaders
  readonly protocol: 'HTTP/1.0' | 'HTTP/1.1'
  readonly peer: Peer
  readonly contentLength: number
  readonly upgrade = undefined
  brokenRule: string | undefined = undefined
  bytesOut = 0
  /** @internal A failure found by the guard, or in the body before the request's turn came. */
  refusal: Failure | undefined

  private readonly req: Incoming
  private readonly res: Outgoing
  private readonly connection: ClientConnection
  /** @internal */
  events: DownstreamEvents | undefined = undefined
  /** undefined: none. */
  private readonly body: ClientBody | undefined
  /** The client asked for the close of the connection. */
  private readonly asksToClose: boolean
  private bodiless: boolean
  private due = CHUNKED
  /** @internal */
  headSent = false
  private written = false
  /** Still in the turn of the event loop in which the head was given. */
  private fresh = false
  /** All of the answer's body, held while its end can still follow in the same turn. */
  private whole: Buffer | undefined = undefined
  private ended = false
  private flushed = false
  private listensForDrain = false
  /** @internal No event follows, calls do nothing. */
  over = false
  /** The answer contradicted its head. */
  private inconsistent = false

  constructor(
    connection: ClientConnection,
    req: Incoming,
    res: Outgoing,
    guard: HeadGuard,
    refusal: Failure | undefined,
  ) {
    this.connection = connection
    this.req = req
    this.res = res
    this.refusal = refusal
    this.method = req.method as string
    this.target = guard.target
    this.host = guard.host
    this.authority = guard.authority
    this.headers = req.rawHeaders
    this.protocol = guard.protocol
    this.peer = connection.peer
    this.contentLength = guard.contentLength
    this.body = guard.contentLength === 0 ? undefined : new ClientBody(this, connection, guard)
    this.bodiless = req.method === 'HEAD'
    this.asksToClose = !res.shouldKeepAlive
    if (refusal !== undefined) res.shouldKeepAlive = false
    req.sluiceBody = this.body
    res.downstream = this
    res.on('close', onClose)
  }

  attach(events: DownstreamEvents): void {
    this.events = events
  }

  // --- the request's body

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

  /** @internal */
  get received(): boolean {
    return this.body === undefined || this.req.complete
  }

  /** @internal */
  get bodyTrailers(): FlatHeaders {
    return this.req.rawTrailers
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

  // --- the answer

  informational(status: number, headers: FlatHeaders): void {
    if (this.over || this.headSent || this.protocol === 'HTTP/1.0' || status < 102 || status > 199) return
    // A 1xx answer is not worth memory, nor the final answer: what the client does not read, or cannot be written, is left
    // out.
    if (this.res.writableLength > EARLY_BYTES || !isSendable(headers)) return
    this.res.writeInformation(status, headers as string[])
  }

  head(status: number, headers: FlatHeaders): boolean {
    if (this.over || this.headSent) return true
    const { res } = this
    const old = this.protocol === 'HTTP/1.0'
    const bodiless = this.bodiless || status === 204 || status === 304
    let due = old ? TO_THE_END : CHUNKED
    let special = false
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i] as string
      if (name.length === 14 && name.toLowerCase() === 'content-length') {
        if (due >= 0 || !isLength(headers[i + 1] as string)) return false
        due = Number(headers[i + 1])
      } else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') return false
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
    if (this.over || this.ended || chunk.length === 0) return true
    if (!this.headSent) {
      this.breakOff()
      return true
    }
    if (this.bodiless) return true
    const { res } = this
    if (this.due >= 0) {
      if (chunk.length > this.due) {
        this.breakOff()
        return true
      }
      this.due -= chunk.length
    }
    this.bytesOut += chunk.length
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
    if (this.over || this.ended || this.bodiless || this.due !== CHUNKED || !this.headSent) return
    this.res.addTrailers(trailerPairs(headers))
  }

  end(): void {
    if (this.over || this.ended) return
    if (!this.headSent || this.due > 0) {
      this.breakOff()
      return
    }
    this.ended = true
    const { whole } = this
    this.whole = undefined
    // As a string, head and body leave in one piece: that costs much less than two writes.
    if (whole === undefined) this.res.end()
    else this.res.end(whole.toString('latin1'), 'latin1')
  }

  reset(): void {
    if (this.over) return
    this.over = true
    this.body?.leave()
    this.break()
  }

  closeAfter(): void {
    if (!this.headSent) this.res.shouldKeepAlive = false
  }

  /** The guard refuses upgrades, so no caller has a tunnel to ask for. */
  tunnel(): Duplex {
    throw new Error('this request was not upgraded')
  }

  get gone(): boolean {
    return this.over || this.res.closed || this.req.socket.destroyed
  }

  /** The answer contradicts its head. `onGone` follows with the end of the connection. */
  private breakOff(): void {
    this.inconsistent = true
    this.break()
  }

  /** Ends the connection in a way that cannot be taken for the end of the answer. */
  private break(): void {
    this.connection.break(this.headSent && this.due === TO_THE_END)
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
      } else {
        this.over = true
        this.body?.leave()
        this.events?.onGone(this.inconsistent ? 'inconsistent' : 'closed')
      }
    }
    this.connection.answered(this)
  }
}

function onData(this: Incoming, chunk: Buffer): void {
  this.sluiceBody?.onData(chunk)
}

function onEnd(this: Incoming): void {
  this.sluiceBody?.onEnd()
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
