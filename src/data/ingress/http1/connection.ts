import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Failure } from '../../../core/failures.ts'
import { divert } from '../accept/divert.ts'
import type { Arrival } from '../accept/peek.ts'
import { NOTHING_SEEN } from '../common/host.ts'
import { HttpSocket } from '../common/http-socket.ts'
import { CONNECT_REFUSED } from '../common/methods.ts'
import { AFTER_CLOSE, HALF_A_HEAD, SLOW_HEAD } from '../common/rules.ts'
import type { AnswerHeads } from './answer-heads.ts'
import { BodyDecoder } from './body-decoder.ts'
import { Http1Downstream } from './downstream.ts'
import { lengthOf, Parts } from './parts.ts'
import { type Awaited, type Awaiter, Awaits, Patience } from './patience.ts'
import type { RequestConnection } from './request-connection.ts'
import type { RequestHead } from './request-head.ts'
import type { Http1Shared } from './server.ts'

/** How many bytes are kept behind a request that waits, and of a body that is not wanted yet. */
const MAX_WAITING = 65_536

/**
 * One client's connection. Its requests are read one after another: a head is looked at once the request before it was
 * answered. What comes earlier waits as bytes, since 64 KiB of small requests would take megabytes once parsed. The socket
 * is read until that much waits: an unread socket shows neither FIN nor RST, so that a client that leaves would not be
 * noticed.
 */
export class ServedConnection extends HttpSocket<Duplex, Http1Downstream> implements RequestConnection, Awaiter {
  readonly heads: AnswerHeads
  private readonly shared: Http1Shared
  /** Of which something came, and not all. */
  private head: RequestHead | undefined = undefined
  /** Made for the first body. */
  private decoder: BodyDecoder | undefined = undefined
  /** The request whose body is being read; the answer may be through. */
  private reading: Http1Downstream | undefined = undefined
  /** Bytes behind the request; made for the first. */
  private waiting: Parts | undefined = undefined
  /** They are being read again. */
  private resuming = false
  private stopped = false
  private dropping = false
  /** The client asked for the close, and sends nothing more. */
  private expected = false
  private readonly patience: Patience

  constructor(shared: Http1Shared, socket: Duplex, { due, life }: Arrival) {
    const { config, heads, host } = shared
    super(host, socket, life, config)
    this.shared = shared
    this.heads = heads
    this.patience = new Patience(host, this, due)
    const ahead = socket instanceof Socket
    socket.on('data', (chunk) => {
      this.start(chunk as Buffer)
      // Else it asks for more in a tick of its own. Other streams may miss what they are asked within their `push`.
      if (ahead && !this.dropping) socket.read(0)
    })
    socket.on('end', () => this.onEnd())
    // The close that follows says all.
    socket.on('error', ignore)
  }

  protected override get busy(): boolean {
    return super.busy || this.head?.begun === true
  }

  // --- from the acceptor

  /** What was answered in this turn goes out before. */
  override destroy(): void {
    this.active?.flush()
    this.dropping = true
    super.destroy()
  }

  override onClosed(): void {
    super.onClosed()
    this.patience.stop()
    this.dropping = true
    const { active, reading } = this
    this.reading = undefined
    if (active !== undefined) this.ends(active)
    active?.onLost()
    if (reading !== active) reading?.onLost()
  }

  // --- from downstreams

  drop(): void {
    if (this.dropping) return
    this.forget()
    divert(this.socket, ignore)
  }

  closing(expected: boolean): void {
    this.close()
    this.expected = expected
  }

  closeWhenAnswered(): void {
    this.closing(false)
  }

  override end(): void {
    this.forget()
    super.end()
  }

  answered(downstream: Http1Downstream): void {
    if (!this.ends(downstream)) return
    if (!this.last) this.goOn()
    else if (this.expected) this.closeSoon()
    else this.end()
  }

  handOver(): Duplex {
    const rest = this.waiting?.takeAll()
    this.forget()
    return this.pass(rest)
  }

  regulate(): void {
    if (this.dropping) return
    const full = lengthOf(this.waiting) >= MAX_WAITING || (this.reading?.waitingBytes ?? 0) >= MAX_WAITING
    if (full === this.stopped) return
    this.stopped = full
    if (full) this.socket.pause()
    else this.socket.resume()
  }

  /** Takes what the client sent. */
  start(chunk: Buffer): void {
    const stopped = this.clock.begin()
    try {
      this.heard()
      if (lengthOf(this.waiting) > 0) this.waiting?.add(chunk)
      else this.take(chunk)
      this.regulate()
      this.await()
    } finally {
      if (stopped) this.clock.end()
    }
  }

  /** The client has closed its side. */
  private onEnd(): void {
    if (this.linger !== undefined || this.handedOver) return
    const { active } = this
    if (active === undefined) this.endInput()
    else this.closedBy(active, this.reading === undefined)
  }

  /** Nothing follows, and nothing is left to answer. */
  private endInput(): void {
    if (this.head?.begun) this.refuseAsFault(HALF_A_HEAD)
    else this.socket.end()
  }

  /** @internal */
  onLate(awaits: Awaited): void {
    if (awaits === Awaits.request) this.closeSoon()
    else this.refuseAsFault(SLOW_HEAD)
  }

  // --- reading

  private take(chunk: Buffer): void {
    const to = chunk.length
    let at = 0
    while (at < to && !this.dropping) {
      if (this.reading !== undefined) at = this.readBody(this.reading, chunk, at, to)
      else if (this.active === undefined) at = this.readHead(chunk, at, to)
      else at = this.wait(this.active, chunk, at)
    }
    if (this.handedOver && at < to) this.socket.unshift(chunk.subarray(at))
  }

  private readHead(chunk: Buffer, from: number, to: number): number {
    const head = this.head ?? this.shared.readers.take()
    const at = head.read(chunk, from, to)
    if (head.done) return this.begin(head, chunk, at, to)
    this.head = head
    if (head.failure !== undefined) this.refuseAsFault(head.failure)
    return at
  }

  /** A head is whole. */
  private begin(head: RequestHead, chunk: Buffer, from: number, to: number): number {
    const { host } = this
    this.patience.rest()
    if (head.method === 'CONNECT') {
      this.head = head
      this.refuseAsFault(CONNECT_REFUSED)
      return to
    }
    const refusal = host.guard.judge(head)
    const downstream = new Http1Downstream(this, this.socket, head, host.guard, refusal)
    this.head = undefined
    this.shared.readers.give(head)
    this.begins(downstream)
    let at = from
    if (refusal !== undefined) {
      this.fault(refusal)
      // Where its body ends is not known for sure, and the connection closes anyway.
      this.drop()
    } else if (!downstream.received) {
      this.reading = downstream
      this.decoder ??= new BodyDecoder(this.shared.config.limits)
      this.decoder.begin(downstream.contentLength)
      // What came with the head comes first: only of a body that is whole an answer that does not need it keeps the connection.
      if (at < to) at = this.readBody(downstream, chunk, at, to)
    }
    host.handler.handle(downstream, downstream.refusal)
    return at
  }

  private readBody(downstream: Http1Downstream, chunk: Buffer, from: number, to: number): number {
    const decoder = this.decoder as BodyDecoder
    const at = decoder.read(chunk, from, to, downstream)
    const { failure } = decoder
    if (this.reading !== downstream) return to
    if (failure !== undefined) {
      this.fault(failure)
      downstream.breakBody(failure)
      this.drop()
      return to
    }
    if (decoder.done) {
      const { trailers } = decoder
      this.reading = undefined
      decoder.stop()
      downstream.onReceived(trailers)
    }
    return at
  }

  private wait(active: Http1Downstream, chunk: Buffer, at: number): number {
    const rest = at === 0 ? chunk : chunk.subarray(at)
    if (active.asksToClose) {
      // Empty lines behind a body are ignored everywhere.
      if (rest.some((octet) => octet !== 13 && octet !== 10)) this.fault(AFTER_CLOSE)
      this.drop()
    } else {
      this.waiting ??= new Parts()
      if (this.resuming) this.waiting.putBack(rest)
      else this.waiting.add(rest)
    }
    return chunk.length
  }

  /** The request was answered: what waits behind it has its turn, once its body is through, and time goes on for it. */
  private goOn(): void {
    const stopped = this.clock.begin()
    try {
      if (this.waiting !== undefined) this.takeWaiting(this.waiting)
      if (this.halfClosed && lengthOf(this.waiting) === 0 && !this.last) {
        // A body of which the rest cannot come: the client has gone.
        if (this.reading !== undefined) this.destroy()
        else if (this.active === undefined) this.endInput()
      }
      this.regulate()
      this.await()
    } finally {
      if (stopped) this.clock.end()
    }
  }

  private takeWaiting(waiting: Parts): void {
    if (waiting.length > 0) this.clock.renew()
    this.resuming = true
    while (waiting.length > 0 && !this.dropping && (this.active === undefined || this.reading !== undefined))
      this.take(waiting.take() as Buffer)
    this.resuming = false
  }

  /** Sets the clock for what the client must send next. */
  private await(): void {
    if (this.dropping || this.active !== undefined || this.reading !== undefined) return
    if (this.head?.begun) this.patience.awaitHead(this.shared.config.timeouts.headers)
    else this.patience.awaitRequest(this.shared.config.timeouts.keepAlive)
  }

  private refuseAsFault(failure: Failure): void {
    this.fault(failure)
    this.refuse(failure, this.head?.glimpse ?? NOTHING_SEEN)
  }

  /** Nothing that comes is read any more. */
  private forget(): void {
    this.dropping = true
    this.patience.stop()
    this.reading = undefined
    this.decoder?.stop()
    this.waiting?.clear()
  }
}

function ignore(): void {}
