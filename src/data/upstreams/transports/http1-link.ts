import type { Socket } from 'node:net'
import type {
  Link,
  LinkOptions,
  LinkOwner,
  LinkState,
  StreamHolder,
  Target,
  TransportEvents,
  TransportRequest,
  UpstreamStream,
} from '../../../core/transport.ts'
import type { FlatHeaders } from '../../../lib/headers.ts'
import type { LifeLimit } from '../../../lib/lifetime.ts'
import { Dial, type DialFailure, type DialOwner } from './dial.ts'
import { Keeping } from './http1-keeping.ts'
import { LastReads } from './http1-last-reads.ts'
import { type AttemptLoss, LOSSES, lost, malformed } from './http1-losses.ts'
import { AnswerParser } from './http1-parser.ts'
import type { TransportParts } from './http1-parts.ts'
import { ReadBuffers } from './http1-read-buffers.ts'
import { requestHead } from './http1-request-head.ts'
import { listenTo, type SocketEvents, type SocketFate } from './http1-socket.ts'
import type { Deferred } from './http1-turn.ts'
import { UpgradedConnection } from './http1-upgraded.ts'
import { Http1Upload } from './http1-upload.ts'

const NOTHING = Buffer.alloc(0)
const HTTP1 = ['http/1.1'] as const

/** One socket, one request at a time: it is itself the stream. */
export class Http1Link implements Link, UpstreamStream, Deferred, DialOwner, SocketEvents {
  readonly capacity = 1
  served = 0
  private readonly shared: TransportParts
  private readonly target: Target
  private readonly options: LinkOptions
  private readonly owner: LinkOwner
  private readonly parser = new AnswerParser()
  private readonly buffers: ReadBuffers
  private readonly upload: Http1Upload
  private readonly keeping: Keeping
  private closed = false
  private dial: Dial | undefined = undefined
  private socket: Socket | undefined = undefined
  /** An answer is whole, and our side has not heard yet that its request is: node says so over TLS only at the turn's end. */
  private flushing = false
  /** The attempt has this connection, but nothing was reported or sent yet. */
  private waiting = false
  private fate: SocketFate | undefined = undefined
  /** A write failed. */
  private lastReads: LastReads | undefined = undefined
  /** The attempt, while it runs. */
  private request: TransportRequest | undefined = undefined
  private events: TransportEvents | undefined = undefined
  private holder: StreamHolder | undefined = undefined
  private reused = false
  private sent = false
  private responseStarted = false
  /** The parser is on the stack. */
  private feeding = false
  /** Octets of the answer that arrived before a pause took effect. */
  private rest: Buffer = NOTHING
  /** The peer closed its side while we were paused. */
  private ended = false
  private told = false
  /** It no longer speaks HTTP. */
  private upgraded: UpgradedConnection | undefined = undefined

  constructor(shared: TransportParts, target: Target, options: LinkOptions, owner: LinkOwner) {
    this.shared = shared
    this.target = target
    this.options = options
    this.owner = owner
    this.buffers = new ReadBuffers(shared.reads)
    this.upload = new Http1Upload(shared.pieces)
    this.keeping = new Keeping(shared, options, () => this.close())
  }

  start(request: TransportRequest, events: TransportEvents, holder: StreamHolder): UpstreamStream {
    this.request = request
    this.events = events
    this.holder = holder
    this.reused = this.served > 0
    this.keeping.used()
    this.sent = false
    this.responseStarted = false
    this.parser.paused = false
    if (this.closed) process.nextTick(() => this.fail(LOSSES.closed))
    else if (this.socket === undefined) this.connect()
    else {
      // Unrequested octets, or the end of the connection, are noticed before a request is sent that they would answer.
      this.waiting = true
      this.shared.turn.wait(this)
    }
    return this
  }

  write(chunk: Buffer): boolean {
    if (!this.sent || this.events === undefined) return true
    if (!this.upload.admits(chunk.length)) {
      this.fail(LOSSES.tooLong)
      return true
    }
    this.shared.reads.spend(chunk.length)
    return this.upload.write(this.socket as Socket, chunk)
  }

  end(trailers: FlatHeaders): void {
    if (!this.sent || this.events === undefined) return
    if (!this.upload.end(this.socket as Socket, trailers)) {
      this.fail(LOSSES.tooShort)
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
    this.lastReads?.wait()
    if (this.sent) this.take(rest, 0, rest.length, true)
    if (this.parser.paused) return
    if (this.ended) this.onEnd()
    else if (!this.gone) this.socket?.resume()
    else if (this.events !== undefined) this.lost()
  }

  abort(): void {
    if (this.holder === undefined) return
    this.events = undefined
    this.holder = undefined
    this.destroy()
  }

  close(): void {
    if (this.holder === undefined) this.destroy()
  }

  get state(): LinkState {
    if (this.closed) return 'closed'
    return this.upgraded === undefined ? 'open' : 'leaving'
  }

  get retired(): LifeLimit | undefined {
    return this.keeping.retired
  }

  private get gone(): boolean {
    return this.socket?.closed === true
  }

  private connect(): void {
    this.dial = new Dial(this, this.shared.timers, HTTP1)
    this.dial.start(this.target, this.options, this.shared.contexts, {
      buffer: () => this.buffers.next(),
      callback: (bytes, buffer) => this.onRead(bytes, buffer as Buffer),
    })
  }

  onOpen(socket: Socket): void {
    this.dial = undefined
    this.socket = socket
    this.keeping.opened()
    this.fate = listenTo(socket, this.target.tls !== undefined, this)
    if (this.parser.paused) socket.pause()
    this.send()
  }

  spares(error: NodeJS.ErrnoException | undefined): boolean {
    if (error?.syscall !== 'write' || this.events === undefined || !this.sent) return false
    if (this.fate !== undefined) this.fate.error ??= error
    this.lastReads ??= new LastReads(this.shared.turn, this.parser, () => this.destroy())
    return true
  }

  onDialFailed(failure: DialFailure): void {
    this.dial = undefined
    this.fail(failure)
  }

  onTurn(): void {
    if (this.waiting) {
      this.waiting = false
      this.send()
    } else if (this.flushing) {
      this.flushing = false
      if (!this.upload.flushed(this.socket as Socket)) this.destroy()
      else if (!this.closed) this.becomeIdle()
    }
  }

  /** The connection is there: the attempt begins. */
  private send(): void {
    const { events } = this
    if (events === undefined) return
    const request = this.request as TransportRequest
    const socket = this.socket as Socket
    const head = requestHead(request)
    if (head === undefined) {
      process.nextTick(() => this.fail(LOSSES.unwritable))
      return
    }
    this.parser.begin(events, request.method === 'HEAD', request.upgrade)
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
      if (!told) {
        this.events = undefined
        this.destroy()
      }
    }
  }

  /** False: no further read for now. */
  private onRead(bytes: number, buffer: Buffer): boolean {
    this.buffers.used(bytes)
    this.lastReads?.heard()
    if (this.events === undefined || !this.sent) {
      if (this.upgraded !== undefined) return this.upgraded.arrived(bytes, buffer)
      // These octets were not requested: they must not answer the next request.
      this.leave()
      return false
    }
    this.responseStarted = true
    this.take(buffer, 0, bytes, this.buffers.owned(bytes, buffer))
    if (this.parser.kept) this.buffers.keep(buffer)
    return !this.parser.paused || this.upgraded?.wants === true
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
      this.fail(malformed(parser.problem, parser.headDone))
    } else if (parser.paused) {
      const left = owned && parser.kept ? buffer.subarray(at, to) : Buffer.from(buffer.subarray(at, to))
      // Over TLS, the records of one read arrive one after another, paused or not.
      this.rest = this.rest.length === 0 ? left : Buffer.concat([this.rest, left])
    } else if (parser.switched) {
      this.handOver(buffer.subarray(at, to))
    } else if (parser.done) {
      this.finish(at === to)
    }
  }

  /** `rest`: octets behind the head. */
  private handOver(rest: Buffer): void {
    const { parser } = this
    const events = this.events as TransportEvents
    if (this.ended || this.gone) {
      this.lost()
      return
    }
    this.events = undefined
    this.keeping.stop()
    // Of HTTP, from now on.
    parser.paused = true
    this.upgraded = new UpgradedConnection(this.socket as Socket, this.buffers)
    if (rest.length > 0) this.upgraded.push(Buffer.from(rest))
    this.owner.onGoAway()
    events.onUpgraded(parser.head.fields, this.upgraded)
  }

  /** The answer is whole; `clean`: nothing came behind it. */
  private finish(clean: boolean): void {
    const events = this.events as TransportEvents
    this.events = undefined
    this.served++
    const { keeping, parser, upload } = this
    const keeps = keeping.answered(parser.keepAliveMs(this.options.keepAliveMs))
    if (!keeps || !clean || this.gone || !parser.persistent || !upload.done) this.destroy()
    else this.flushing = !upload.flushed(this.socket as Socket)
    events.onEnd(false)
    if (this.closed) this.release()
    else if (this.flushing) this.shared.turn.wait(this)
    else this.becomeIdle()
  }

  private becomeIdle(): void {
    this.keeping.idle()
    this.release()
  }

  private release(): void {
    const { holder } = this
    this.holder = undefined
    holder?.onReleased()
  }

  onDrain(): void {
    if (this.upload.drained()) this.events?.onDrain()
  }

  onEnd(): void {
    if (this.upgraded !== undefined) {
      this.upgraded.ends()
      return
    }
    if (this.events !== undefined && this.sent && this.parser.paused) {
      this.ended = true
      return
    }
    if (this.events !== undefined && this.sent && this.fate?.cut !== true && this.parser.eof()) this.finish(false)
    else if (this.gone && this.events !== undefined) this.lost()
    else this.leave()
  }

  onClose(socket: Socket): void {
    if (this.socket !== socket) return
    if (this.waiting) {
      this.leave()
      return
    }
    // TLS reports this although `rest` was not taken yet: it is, with `resume`.
    if (this.events !== undefined && this.sent && this.parser.paused) return
    if (this.events !== undefined) this.lost()
    this.upgraded?.socketClosed(this.fate?.error)
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
    this.fail(lost(this.fate?.error, this.upload.done, this.parser.headDone))
  }

  private fail(why: AttemptLoss): void {
    const { events } = this
    if (events === undefined) return
    this.events = undefined
    const connected = this.socket !== undefined
    this.destroy()
    events.onFailure({
      ...why,
      connected,
      reused: this.reused,
      bytesSent: this.sent,
      refusedUnprocessed: false,
      requestDone: this.sent && this.upload.done,
      responseStarted: this.responseStarted,
    })
    this.release()
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
    // It still has one if an event handler threw.
    this.release()
    this.owner.onClosed()
  }
}
