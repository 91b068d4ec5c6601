import type { Socket } from 'node:net'
import type { Phase, Reason } from '../../../core/failures.ts'
import type {
  Connection,
  ConnectionOptions,
  ConnectionOwner,
  Target,
  TransportEvents,
  TransportFailure,
  TransportRequest,
} from '../../../core/transport.ts'
import type { FlatHeaders } from '../../../lib/headers.ts'
import type { LifeLimit } from '../../../lib/lifetime.ts'
import { Dial, type DialFailure } from './dial.ts'
import { Keeping } from './http1-keeping.ts'
import { AnswerParser } from './http1-parser.ts'
import type { TransportParts } from './http1-parts.ts'
import { ReadBuffers } from './http1-read-buffers.ts'
import { requestHead } from './http1-request-head.ts'
import type { Deferred } from './http1-turn.ts'
import { Http1Upload } from './http1-upload.ts'
import { isOfTls, watchForCut } from './tls-end.ts'

const NOTHING = Buffer.alloc(0)
/** Turns of the event loop without a read after which a broken socket counts as empty: each sees what came in the last. */
const QUIET_TURNS = 2

/** One socket, one request at a time. */
export class Http1Connection implements Connection, Deferred {
  closed = false
  served = 0
  private readonly shared: TransportParts
  private readonly target: Target
  private readonly options: ConnectionOptions
  private readonly owner: ConnectionOwner
  private readonly parser = new AnswerParser()
  private readonly buffers: ReadBuffers
  private readonly upload: Http1Upload
  private readonly keeping: Keeping
  private dial: Dial | undefined = undefined
  private socket: Socket | undefined = undefined
  /** The attempt has this connection, but nothing was reported or sent yet. */
  private waiting = false
  private error: Error | undefined = undefined
  /** A write failed. */
  private broken = false
  private restAwaited = false
  private quietTurns = 0
  /** The attempt, while it runs. */
  private request: TransportRequest | undefined = undefined
  private events: TransportEvents | undefined = undefined
  private reused = false
  private sent = false
  private responseStarted = false
  /** The parser is on the stack. */
  private feeding = false
  /** Octets of the answer that arrived before a pause took effect. */
  private rest: Buffer = NOTHING
  /** The peer closed its side while we were paused. */
  private ended = false
  /** It did so by TCP alone, below TLS. */
  private cut = false
  private told = false

  constructor(shared: TransportParts, target: Target, options: ConnectionOptions, owner: ConnectionOwner) {
    this.shared = shared
    this.target = target
    this.options = options
    this.owner = owner
    this.buffers = new ReadBuffers(shared.reads)
    this.upload = new Http1Upload(shared.pieces)
    this.keeping = new Keeping(shared, options, () => this.close())
  }

  start(request: TransportRequest, events: TransportEvents): void {
    this.request = request
    this.events = events
    this.reused = this.served > 0
    this.keeping.used()
    this.sent = false
    this.responseStarted = false
    this.parser.paused = false
    if (this.closed) process.nextTick(() => this.fail('upstream_reset', 'send'))
    else if (this.socket === undefined) this.connect()
    else this.wait()
  }

  write(chunk: Buffer): boolean {
    if (!this.sent || this.events === undefined) return true
    if (!this.upload.admits(chunk.length)) {
      this.fail('internal', 'send', { cause: new Error('more body than its content-length') })
      return true
    }
    this.shared.reads.spend(chunk.length)
    return this.upload.write(this.socket as Socket, chunk)
  }

  end(trailers: FlatHeaders): void {
    if (!this.sent || this.events === undefined) return
    if (!this.upload.end(this.socket as Socket, trailers)) {
      this.fail('internal', 'send', { cause: new Error('less body than its content-length') })
    }
  }

  pause(): void {
    if (this.events === undefined) return
    this.parser.paused = true
    this.socket?.pause()
  }

  resume(): void {
    if (this.events === undefined || !this.parser.paused) return
    this.parser.paused = false
    if (this.feeding) {
      this.socket?.resume()
      return
    }
    const { rest } = this
    this.rest = NOTHING
    this.quietTurns = 0
    if (this.broken) this.awaitRest()
    if (this.sent) this.take(rest, 0, rest.length, true)
    if (this.parser.paused) return
    if (this.ended) this.onEnd()
    else if (!this.gone) this.socket?.resume()
    else if (this.events !== undefined) this.lost()
  }

  abort(): void {
    if (this.events === undefined) return
    this.events = undefined
    this.destroy()
  }

  close(): void {
    if (this.events === undefined) this.destroy()
  }

  get retired(): LifeLimit | undefined {
    return this.keeping.retired
  }

  private get gone(): boolean {
    return this.socket?.closed === true
  }

  private connect(): void {
    this.dial = new Dial(
      { onOpen: (socket) => this.onOpen(socket), onDialFailed: (failure) => this.onDialFailed(failure) },
      this.shared.timers,
    )
    this.dial.start(this.target, this.options, this.shared.contexts, {
      buffer: () => this.buffers.next(),
      callback: (bytes, buffer) => this.onRead(bytes, buffer as Buffer),
    })
  }

  private onOpen(socket: Socket): void {
    this.dial = undefined
    this.socket = socket
    this.keeping.opened()
    socket.on('error', (error) => {
      this.error = error
    })
    socket.on('end', () => this.onEnd())
    socket.on('drain', () => this.onDrain())
    socket.on('close', () => this.onClose(socket))
    if (this.target.tls !== undefined) {
      watchForCut(socket, () => {
        this.cut = true
      })
    }
    const { destroy } = socket
    socket.destroy = (error) => (this.readsOn(error) ? socket : destroy.call(socket, error))
    if (this.parser.paused) socket.pause()
    this.send()
  }

  /**
   * An upstream that answers early and resets makes our next write fail, upon which node would destroy the socket with the
   * answer unread. What was received is read first. Its end shows by silence: node no longer reports it.
   */
  private readsOn(error: NodeJS.ErrnoException | undefined): boolean {
    if (error?.syscall !== 'write' || this.events === undefined || !this.sent) return false
    this.broken = true
    this.error ??= error
    this.awaitRest()
    return true
  }

  private awaitRest(): void {
    if (this.restAwaited) return
    this.restAwaited = true
    this.shared.turn.wait(this)
  }

  private onRestTurn(): void {
    this.restAwaited = false
    if (this.closed || this.parser.paused) return
    if (++this.quietTurns > QUIET_TURNS) this.destroy()
    else this.awaitRest()
  }

  private onDialFailed({ reason, phase, cause, proxyStatus }: DialFailure): void {
    this.dial = undefined
    this.fail(reason, phase, { cause, ...(proxyStatus !== undefined && { proxyStatus }) })
  }

  /** Unrequested octets, or the end of the connection, are noticed before a request is sent that they would answer. */
  private wait(): void {
    this.waiting = true
    this.shared.turn.wait(this)
  }

  onTurn(): void {
    if (this.waiting) {
      this.waiting = false
      this.send()
    } else if (this.restAwaited) this.onRestTurn()
  }

  /** The connection is there: the attempt begins. */
  private send(): void {
    const { events } = this
    if (events === undefined) return
    const request = this.request as TransportRequest
    const socket = this.socket as Socket
    const head = requestHead(request)
    if (head === undefined) {
      process.nextTick(() =>
        this.fail('bad_request', 'send', { cause: new Error('the request cannot be written as HTTP/1.1') }),
      )
      return
    }
    this.parser.begin(events, request.method === 'HEAD')
    let told = false
    try {
      events.onConnected(this.reused)
      if (this.events === events) {
        this.sent = true
        this.upload.begin(socket, head, request.contentLength)
        if (request.contentLength !== 0) events.onWantBody()
      }
      told = true
    } finally {
      if (!told) this.abort()
    }
  }

  /** False: no further read for now. */
  private onRead(bytes: number, buffer: Buffer): boolean {
    this.buffers.used(bytes)
    this.quietTurns = 0
    if (this.events === undefined || !this.sent) {
      // These octets were not requested: they must not answer the next request.
      this.leave()
      return false
    }
    this.responseStarted = true
    this.take(buffer, 0, bytes, this.buffers.owned(bytes, buffer))
    if (this.parser.kept) this.buffers.keep(buffer)
    return !this.parser.paused
  }

  private take(buffer: Buffer, from: number, to: number, owned: boolean): void {
    const { events, parser } = this
    const { clock } = this.shared
    const stopped = clock.begin()
    let fine = false
    this.feeding = true
    try {
      const at = parser.feed(buffer, from, to, owned)
      this.feeding = false
      if (this.events === events) this.judge(buffer, at, to, owned)
      fine = true
    } finally {
      // An event handler threw: the parser stands in the middle of something, so nothing goes on from here.
      this.feeding = false
      if (stopped) clock.end()
      if (!fine) {
        this.events = undefined
        this.destroy()
      }
    }
  }

  private judge(buffer: Buffer, at: number, to: number, owned: boolean): void {
    const { parser } = this
    if (parser.failed) {
      const phase = parser.headDone ? 'body' : 'headers'
      this.fail(parser.headDone ? 'response_incomplete' : 'bad_response', phase, { rule: parser.problem })
    } else if (parser.paused) {
      const left = owned && parser.kept ? buffer.subarray(at, to) : Buffer.from(buffer.subarray(at, to))
      // Over TLS, the records of one read arrive one after another, paused or not.
      this.rest = this.rest.length === 0 ? left : Buffer.concat([this.rest, left])
    } else if (parser.done) {
      this.finish(at === to)
    }
  }

  /** The answer is whole; `clean`: nothing came behind it. */
  private finish(clean: boolean): void {
    const events = this.events as TransportEvents
    this.events = undefined
    this.served++
    const { keeping, parser } = this
    const keeps = keeping.answered(parser.keepAliveMs(this.options.keepAliveMs))
    if (!keeps || !clean || this.gone || !parser.persistent || !this.upload.flushed(this.socket as Socket)) {
      this.destroy()
    }
    events.onEnd()
    if (this.closed) return
    keeping.idle()
    this.owner.onIdle(this)
  }

  private onDrain(): void {
    if (this.upload.drained()) this.events?.onDrain()
  }

  /** The peer closed its side. */
  private onEnd(): void {
    if (this.events !== undefined && this.sent && this.parser.paused) {
      this.ended = true
      return
    }
    if (this.events !== undefined && this.sent && !this.cut && this.parser.eof()) this.finish(false)
    else if (this.gone && this.events !== undefined) this.lost()
    else this.leave()
  }

  private onClose(socket: Socket): void {
    if (this.socket !== socket) return
    if (this.waiting) {
      this.leave()
      return
    }
    // TLS reports this although `rest` was not taken yet: it is, with `resume`.
    if (this.events !== undefined && this.sent && this.parser.paused) return
    if (this.events !== undefined) this.lost()
    this.closed = true
    this.tellClosed()
  }

  /** The socket is of no use any more. An attempt of which nothing was sent gets a new one and need not know. */
  private leave(): void {
    if (!this.waiting) {
      this.destroy()
      return
    }
    const { socket } = this
    this.waiting = false
    this.socket = undefined
    this.reused = false
    socket?.destroy()
    this.connect()
  }

  private lost(): void {
    const cause = this.error
    if (this.parser.headDone) this.fail('response_incomplete', 'body', { cause })
    // With TLS 1.3 a server refuses the client's certificate after the handshake.
    else if (isOfTls(cause)) this.fail('tls_error', 'tls', { cause, proxyStatus: 'tls_protocol_error' })
    else this.fail('upstream_reset', this.upload.done ? 'headers' : 'send', { cause })
  }

  private fail(
    reason: Reason,
    phase: Phase,
    more: Pick<TransportFailure, 'cause' | 'proxyStatus' | 'rule'> = {},
  ): void {
    const { events } = this
    if (events === undefined) return
    this.events = undefined
    const connected = this.socket !== undefined
    this.destroy()
    events.onFailure({
      reason,
      phase,
      ...more,
      connected,
      reused: this.reused,
      bytesSent: this.sent,
      requestDone: this.sent && this.upload.done,
      responseStarted: this.responseStarted,
    })
  }

  private destroy(): void {
    if (this.closed) return
    this.closed = true
    this.keeping.stop()
    this.waiting = false
    this.parser.stop()
    if (this.socket !== undefined && !this.gone) {
      this.socket.destroy()
      return
    }
    this.dial?.cancel()
    this.dial = undefined
    process.nextTick(() => this.tellClosed())
  }

  private tellClosed(): void {
    if (this.told) return
    this.told = true
    this.owner.onClosed(this)
  }
}
