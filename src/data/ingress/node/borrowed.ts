import type { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ListenerConfig } from '../../../core/config.ts'
import type { Peer } from '../../../core/downstream.ts'
import { type Failure, failure } from '../../../core/failures.ts'
import { type Pressure, Stage } from '../../../core/pressure.ts'
import { canonicalIp } from '../../../lib/ip.ts'
import { http } from '../../../lib/node-http.ts'
import type { TimerWheel } from '../../../lib/timers.ts'
import { Linger, TOTAL_MS } from '../accept/linger.ts'
import { HeadGuard } from '../common/guard.ts'
import type { IngressHandler } from '../common/host.ts'
import { type NodeClientConnection, NodeDownstream } from './downstream.ts'
import type { Incoming, Outgoing } from './messages.ts'

const DRAINING = failure('draining', 'request', 'operator')
const UPGRADE_BODY = failure('not_implemented', 'request', 'client', 'An upgrade that has a body is not supported.')

export interface BorrowedOptions {
  /** Whose name, limits and timeouts hold for the next request. */
  readonly listener: () => ListenerConfig
  readonly handler: IngressHandler
  readonly timers: TimerWheel
  readonly pressure: Pressure
  /** A client broke a rule, see `RULES`. */
  readonly fault: (listener: string, rule: string) => void
}

/**
 * Requests of a node:http server that is not ours. How its heads are parsed, how long its connections stay and how many
 * there are is the business of that server; so is a body whose framing breaks, which is told as a client that left.
 */
export class BorrowedRequests {
  private readonly options: BorrowedOptions
  private guard: HeadGuard | undefined = undefined
  private guarded: ListenerConfig | undefined = undefined
  private draining = false

  constructor(options: BorrowedOptions) {
    this.options = options
  }

  /** From now on every request is refused. */
  drain(): void {
    this.draining = true
  }

  /**
   * Takes a request over: nothing else may read its body or answer it from now on. Throws a TypeError where its body was
   * read already.
   */
  handle(req: IncomingMessage, res: ServerResponse): void {
    this.take(req, res, undefined)
  }

  /** Answers an offer to upgrade as if nothing were offered, as listeners do, and closes its connection afterwards. */
  upgrade(req: IncomingMessage, socket: Duplex): void {
    const res = new http.ServerResponse(req)
    res.shouldKeepAlive = false
    res.assignSocket(socket as Socket)
    res.on('finish', () => {
      res.detachSocket(socket as Socket)
      lingering(socket, this.options.timers)
      res.emit('close')
    })
    socket.on('error', ignore)
    // node has taken its parser off the socket: a body would never come.
    const { 'content-length': length = '0', 'transfer-encoding': coding } = req.headers
    this.take(req, res, Number(length) === 0 && coding === undefined ? undefined : UPGRADE_BODY)
  }

  private take(req: IncomingMessage, res: ServerResponse, refusal: Failure | undefined): void {
    const { fault, handler, listener, pressure, timers } = this.options
    if (req.httpVersionMajor !== 1) {
      res.writeHead(505).end('Sluice takes requests of HTTP/1 only.')
      return
    }
    const config = listener()
    const guard = this.guardOf(config)
    const broken = guard.judge(req)
    if (guard.contentLength !== 0 && req.readableDidRead)
      throw new TypeError('the body was read already: Sluice must take a request before its body is parsed')
    if (broken?.rule !== undefined) fault(config.name, broken.rule)
    // The server has sent `100 Continue`, unless it leaves that to us by an event of its own.
    if ((res as Continued)._sent100) guard.expects = false
    const refused = refusal ?? broken ?? (this.draining ? DRAINING : undefined)
    const connection = new BorrowedConnection(req, res, { config, timers, pressure })
    handler.handle(new NodeDownstream(connection, req as Incoming, res as Outgoing, guard, refused), refused)
  }

  private guardOf(config: ListenerConfig): HeadGuard {
    if (this.guard === undefined || this.guarded !== config) this.guard = new HeadGuard(config.limits)
    this.guarded = config
    return this.guard
  }
}

/** node's own note, which nothing public shows. */
type Continued = ServerResponse & { readonly _sent100?: boolean }

interface Borrowed {
  readonly config: ListenerConfig
  readonly timers: TimerWheel
  readonly pressure: Pressure
}

/** What one request may do to its connection. */
class BorrowedConnection implements NodeClientConnection {
  readonly peer: Peer
  readonly timers: TimerWheel
  readonly bodyTimeout: number
  private readonly pressure: Pressure
  private readonly socket: Socket
  private readonly res: ServerResponse
  private closes = false

  constructor({ socket }: IncomingMessage, res: ServerResponse, { config, timers, pressure }: Borrowed) {
    const address = socket.remoteAddress ?? ''
    this.socket = socket
    this.res = res
    this.timers = timers
    this.bodyTimeout = config.timeouts.body
    this.pressure = pressure
    this.peer = {
      address: canonicalIp(address) ?? address,
      port: socket.remotePort ?? 0,
      localPort: socket.localPort ?? 0,
      secure: 'encrypted' in socket,
      listener: config.name,
    }
  }

  get draining(): boolean {
    return this.pressure.stage >= Stage.close
  }

  onReceived(): void {}

  /** The parser of the server goes on reading, and the request drops what comes. */
  drop(): void {}

  closing(expected: boolean): void {
    if (!expected) this.socket.destroySoon = () => this.end()
  }

  closeWhenAnswered(): void {
    this.closes = true
  }

  end(): void {
    lingering(this.socket, this.timers)
  }

  break(visibly: boolean): void {
    const { peer, res, socket } = this
    // Frameworks inject requests in tests: these have no socket.
    if (!(socket instanceof Socket)) res.destroy()
    else if (visibly && !peer.secure && peer.port !== 0) socket.resetAndDestroy()
    else socket.destroy()
  }

  answered(): void {
    if (this.closes) this.end()
  }
}

function lingering(socket: Duplex, timers: TimerWheel): void {
  if (!(socket instanceof Socket) || !socket.writable) {
    socket.destroy?.()
    return
  }
  const linger = new Linger(socket, timers, TOTAL_MS)
  socket.once('close', () => linger.stop())
}

function ignore(): void {}
