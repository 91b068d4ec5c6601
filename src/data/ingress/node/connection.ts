import type { Socket } from 'node:net'
import type { ListenerConfig } from '../../../core/config.ts'
import type { Glimpse } from '../../../core/downstream.ts'
import type { Failure } from '../../../core/failures.ts'
import type { Lifetime } from '../../../lib/lifetime.ts'
import { divert } from '../accept/divert.ts'
import type { HeadGuard } from '../common/guard.ts'
import type { ConnectionHost, IngressHandler } from '../common/host.ts'
import { HttpSocket } from '../common/http-socket.ts'
import { type NodeClientConnection, NodeDownstream } from './downstream.ts'
import { glimpseOf } from './glimpse.ts'
import { CUT_SHORT, type ParserError } from './malformed.ts'
import type { Incoming, Outgoing } from './messages.ts'
import { Backlog, PAUSED, stopBehind } from './parser.ts'

/** What happens to the bytes behind the latest head that was read. */
const Behind = { parsed: 0, held: 1, dropped: 2 } as const

/**
 * One client's connection. Pipelined requests are handled one after another: an answer that closes the connection must not
 * have started the requests behind it, whose answers would be lost.
 */
export class NodeConnection extends HttpSocket<Socket, NodeDownstream> implements NodeClientConnection {
  private newest: NodeDownstream | undefined = undefined
  /** Waits for its turn; the parser has stopped behind its head. */
  private next: NodeDownstream | undefined = undefined
  /** Made when a client first sends a request before it has its answer. */
  private backlog: Backlog | undefined = undefined
  private behind: (typeof Behind)[keyof typeof Behind] = Behind.parsed
  /** Answered after all requests before it. */
  private malformed: { readonly failure: Failure; readonly seen: Glimpse } | undefined = undefined
  /** Bytes read up to the end of the latest request that offered an upgrade; NaN: unknown. */
  private offerEnd = 0
  /** The request whose end that is, where it has a body, until it is answered. */
  private offering: NodeDownstream | undefined = undefined

  constructor(host: ConnectionHost, socket: Socket, life: Lifetime, config: ListenerConfig) {
    super(host, socket, life, config)
    // Behind node's own, which has looked whether a request is cut off.
    socket.on('end', () => this.onEnd())
    stopBehind(socket, () => this.behind !== Behind.parsed)
  }

  // --- from the acceptor

  /** Also where the parser reads from the socket's handle, it hears what is emitted. */
  start(first: Buffer): void {
    this.socket.emit('data', first)
  }

  // --- from the listener

  onRequest(req: Incoming, res: Outgoing): void {
    if (this.last || this.next !== undefined) {
      this.behind = Behind.dropped
      return
    }
    const { guard } = this.host
    this.heard()
    const refusal = guard.judge(req)
    if (refusal !== undefined) this.fault(refusal)
    const downstream = new NodeDownstream(this, req, res, guard, refusal)
    this.newest = downstream
    if (this.offering !== undefined) this.offerEnd = Number.NaN
    else if (guard.offersUpgrade) this.onOffer(guard, downstream)
    if (this.active === undefined) this.begin(downstream)
    else {
      this.next = downstream
      // The parser does not report that it has stopped behind an offer.
      if (guard.offersUpgrade) downstream.closeAfter()
      else this.behind = Behind.held
    }
  }

  /**
   * node:http drops what it has read behind a request that offers an upgrade which is not taken up (26.10): requests would
   * be lost, or begin in the middle. So nothing may follow in the same read; where that is unknown, nothing follows.
   */
  private onOffer({ contentLength, headBytes }: HeadGuard, downstream: NodeDownstream): void {
    this.offerEnd += contentLength === -1 ? Number.NaN : headBytes + contentLength
    if (contentLength > 0) this.offering = downstream
    else if (this.mayHaveLost) downstream.closeAfter()
  }

  private get mayHaveLost(): boolean {
    return this.socket.bytesRead !== this.offerEnd
  }

  /** The parser or the socket reported an error. `failure`: undefined if there is no client left to answer. */
  onError(error: ParserError, failure: Failure | undefined): void {
    if (error.code === PAUSED) {
      this.onPaused(error)
      return
    }
    if (this.linger !== undefined) return
    if (failure === undefined) {
      this.socket.destroy()
      return
    }
    const { newest } = this
    if (newest !== undefined && !newest.received) {
      // A refused request closes the connection anyway: its body does not matter.
      if (newest.refusal !== undefined) this.drop()
      else if (error.code === CUT_SHORT) this.socket.destroy()
      else {
        this.fault(failure)
        newest.breakBody(failure)
      }
      return
    }
    if (this.last || this.malformed !== undefined) return
    this.fault(failure)
    this.refuse(failure, glimpseOf(error))
  }

  /** CONNECT: node has taken its parser off the socket. Earlier requests are answered first. */
  onConnect(failure: Failure, seen: Glimpse): void {
    this.socket.on('error', ignore)
    if (this.last) {
      this.socket.destroy()
      return
    }
    this.fault(failure)
    this.refuse(failure, seen)
  }

  /** Answers with a failure that belongs to no request, after all requests before it were answered, and closes. */
  protected override refuse(failure: Failure, seen: Glimpse): void {
    if (this.active === undefined) super.refuse(failure, seen)
    else {
      this.malformed = { failure, seen }
      this.drop()
    }
  }

  /** The client has closed its side, and no request is cut off by that. */
  private onEnd(): void {
    const { active, socket } = this
    if (active === undefined || this.linger !== undefined || socket.destroyed) return
    this.closedBy(active, true)
    if (this.halfClosed) this.newest?.expectsMore()
  }

  // --- from downstreams

  onReceived(): void {
    this.heard()
  }

  drop(): void {
    if (this.linger === undefined) divert(this.socket, ignore)
  }

  closing(expected: boolean): void {
    this.close()
    if (!expected) this.socket.destroySoon = () => this.end()
  }

  closeWhenAnswered(): void {
    this.close()
  }

  answered(downstream: NodeDownstream): void {
    if (!this.ends(downstream)) return
    if (downstream === this.offering) {
      this.offering = undefined
      if (this.mayHaveLost) this.closeWhenAnswered()
    }
    if (this.last) {
      if (this.socket.writable) this.end()
      return
    }
    const { next } = this
    if (next !== undefined) {
      this.next = undefined
      this.begin(next)
      if (this.last || this.behind !== Behind.held) return
      this.behind = Behind.parsed
      this.backlog?.release()
      // The rest of its body cannot come, which node:http looked for too early: the client has gone.
      if (this.halfClosed && this.behind === Behind.parsed && !this.newest?.received) this.socket.destroy()
    } else if (this.malformed !== undefined) this.refuse(this.malformed.failure, this.malformed.seen)
    else if (this.halfClosed) this.socket.end()
  }

  private begin(downstream: NodeDownstream): void {
    this.begins(downstream)
    // A body in chunks may be whole by the end of this read: only then can an answer that does not need it keep the
    // connection.
    if (downstream.contentLength === -1) setImmediate(handle, this.host.handler, downstream)
    else handle(this.host.handler, downstream)
  }

  protected override close(): void {
    super.close()
    this.next = undefined
  }

  private onPaused(error: ParserError): void {
    if (this.last || this.behind !== Behind.held) {
      this.drop()
      return
    }
    this.backlog ??= new Backlog(this.socket, () => this.heard())
    this.backlog.hold((error.rawPacket as Buffer).subarray(error.bytesParsed))
  }
}

function handle(handler: IngressHandler, downstream: NodeDownstream): void {
  if (!downstream.gone) handler.handle(downstream, downstream.refusal)
}

function ignore(): void {}
