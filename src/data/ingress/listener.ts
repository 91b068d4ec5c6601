import { createServer, type Server } from 'node:http'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import fastify from 'fastify'
import type { ListenerConfig } from '../../core/config.ts'
import { failure } from '../../core/failures.ts'
import { type Pressure, Stage } from '../../core/pressure.ts'
import type { Clock } from '../../lib/clock.ts'
import type { TimerWheel } from '../../lib/timers.ts'
import { NodeConnection } from './connection.ts'
import { glimpseOfConnect } from './glimpse.ts'
import { HeadGuard } from './guard.ts'
import type { ConnectionHost, IngressHandler, Lingering } from './host.ts'
import { malformedFailure, type ParserError } from './malformed.ts'
import { Incoming, Outgoing } from './messages.ts'
import { CONNECT_REFUSED } from './methods.ts'

/** Counts open connections over all workers; a `HeldCell` is one. */
export interface ConnectionCount {
  /** False: `limit` are open. */
  takeBelow(limit: number): boolean
  give(): void
}

export interface ListenerOptions {
  readonly config: ListenerConfig
  readonly clock: Clock
  readonly timers: TimerWheel
  readonly handler: IngressHandler
  /** Default: this listener's own connections only. */
  readonly count?: ConnectionCount
  /** Counts the rules that clients break, see `RULES`. */
  readonly fault?: (rule: string) => void
  /** Default: no pressure. */
  readonly pressure?: Pressure
}

const OVERLOADED = failure('overloaded', 'limit', 'sluice')
const TOO_MANY = failure(
  'connections',
  'request',
  'sluice',
  'The limit of open connections on this listener (limits.connections) is reached.',
)

/** While draining, idle connections are closed over about this time. */
const DRAIN_STEP_MS = 50
const DRAIN_STEPS = 20

/** Rounds without a new connection after which the backlog counts as empty, and how many there are at most. */
const CLOSE_STEP_MS = 5
const CLOSE_QUIET = 3
const CLOSE_ROUNDS = 40

/** Opens nothing yet, see `listen`. */
export function createListener(options: ListenerOptions): Listener {
  return new Listener(options)
}

/**
 * A listening socket and its connections. Fastify owns it and keeps its routing for what is answered inside the process;
 * the handler gets every request first, without Fastify's parsers and checks.
 */
export class Listener implements ConnectionHost {
  readonly handler: IngressHandler
  readonly guard: HeadGuard
  readonly timers: TimerWheel
  readonly name: string
  readonly bodyTimeout: number
  readonly fault: (rule: string) => void
  private leaving = false
  private readonly pressure: Pressure | undefined
  readonly lingering = new Set<Lingering>()
  inFlight = 0
  private readonly config: ListenerConfig
  readonly clock: Clock
  private readonly count: ConnectionCount
  private readonly server: Server<typeof Incoming, typeof Outgoing>
  private readonly app: ReturnType<typeof fastify>
  private readonly open = new Map<Socket, NodeConnection>()
  private accepted = 0
  /** Idle connections to close in one step of a drain. */
  private portion = 1

  constructor({ config, clock, timers, handler, count, pressure, fault = ignore }: ListenerOptions) {
    this.fault = fault
    this.pressure = pressure
    this.handler = handler
    this.guard = new HeadGuard(config.limits)
    this.timers = timers
    this.name = config.name
    this.bodyTimeout = config.timeouts.body
    this.config = config
    this.clock = clock
    this.count = count ?? { takeBelow: (limit) => this.open.size < limit, give: () => {} }
    this.server = strictServer(config)
    const onRequest = (req: Incoming, res: Outgoing): void => this.open.get(req.socket)?.onRequest(req, res)
    this.server.on('connection', (socket) => this.onConnection(socket))
    this.server.on('request', onRequest)
    // The guard judges Expect; `100 Continue` waits until the body is wanted.
    this.server.on('checkContinue', onRequest)
    this.server.on('checkExpectation', onRequest)
    this.server.on('connect', (req) => this.open.get(req.socket)?.onConnect(CONNECT_REFUSED, glimpseOfConnect(req)))
    this.app = fastify({
      serverFactory: () => this.server as unknown as Server,
      clientErrorHandler: (error, socket) => this.onClientError(error as Error, socket),
      logger: false,
    })
  }

  /** Every answer closes its connection. */
  get draining(): boolean {
    return this.leaving || (this.pressure?.stage ?? 0) >= Stage.close
  }

  /** Open connections of this worker. */
  get connections(): number {
    return this.open.size
  }

  /** Binds; resolves with the port. Rejects with the system's error code where that fails. */
  async listen(reusePort: boolean): Promise<number> {
    const { host, port } = this.config
    await this.app.listen({ host, port, reusePort, backlog: 4096 } as Parameters<typeof this.app.listen>[0])
    return (this.server.address() as AddressInfo).port
  }

  /**
   * From now on every answer closes its connection, and idle ones are closed step by step, those silent since the last look
   * first. One loss is unavoidable: a request that was sent before the client saw our FIN stays unanswered. It was never
   * handled, so the client may send it again (RFC 9112, section 9.3.1).
   */
  drain(): void {
    if (this.leaving) return
    this.leaving = true
    this.drainStep()
  }

  /**
   * Accepts until no new connection has come for a while, bounded, then closes the listening socket; open connections stay.
   * The socket is closed right after the event loop has accepted all waiting connections.
   */
  close(): Promise<void> {
    return new Promise((resolve) => this.closeStep(CLOSE_ROUNDS, 0, this.accepted, resolve))
  }

  /** Ends everything at once. */
  cut(): void {
    this.stopListening()
    for (const connection of this.open.values()) connection.destroy()
    // Fastify's hooks for closing, and the end of node's check for slow heads.
    void this.app.close()
  }

  private onConnection(socket: Socket): void {
    this.accepted++
    const connection = new NodeConnection(this, socket)
    connection.counted = this.count.takeBelow(this.config.limits.connections) || this.takeFromLingering()
    this.open.set(socket, connection)
    socket.on('close', () => {
      this.open.delete(socket)
      if (connection.counted) this.count.give()
      connection.onClosed()
    })
    if (!connection.counted) connection.turnAway(TOO_MANY)
    else if ((this.pressure?.stage ?? 0) >= Stage.refuse) connection.turnAway(OVERLOADED)
  }

  /** A client that has its answer makes room for one that has not sent its request yet. */
  private takeFromLingering(): boolean {
    for (const connection of this.lingering) {
      this.lingering.delete(connection)
      connection.counted = false
      connection.destroy()
      return true
    }
    return false
  }

  private onClientError(error: ParserError, socket: Socket): void {
    const connection = this.open.get(socket)
    if (connection === undefined) socket.destroy()
    else connection.onError(error, malformedFailure(error, this.config.limits))
  }

  private drainStep(): void {
    // Behind the poll phase: what a client has sent has been read by then.
    setImmediate(() => {
      this.portion = Math.max(this.portion, Math.ceil(this.open.size / DRAIN_STEPS))
      let left = this.portion
      for (const connection of this.open.values()) {
        if (!connection.looksIdle() || left === 0) continue
        connection.end()
        left--
      }
      if (this.open.size > 0 || this.server.listening) this.clock.after(DRAIN_STEP_MS, () => this.drainStep())
    })
  }

  private closeStep(rounds: number, quiet: number, accepted: number, done: () => void): void {
    if (!this.server.listening || rounds === 0 || quiet === CLOSE_QUIET) {
      this.stopListening()
      done()
      return
    }
    this.clock.after(CLOSE_STEP_MS, () => {
      setImmediate(() => {
        const next = this.accepted === accepted ? quiet + 1 : 0
        this.closeStep(rounds - 1, next, this.accepted, done)
      })
    })
  }

  /** Not node:http's own close: it breaks idle connections and stops the check for slow heads. */
  private stopListening(): void {
    if (this.server.listening) NetServer.prototype.close.call(this.server)
  }
}

function ignore(): void {}

/** node:http with every strictness on and every bound set. */
function strictServer(config: ListenerConfig): Server<typeof Incoming, typeof Outgoing> {
  const { timeouts, limits } = config
  const server = createServer<typeof Incoming, typeof Outgoing>({
    IncomingMessage: Incoming,
    ServerResponse: Outgoing,
    insecureHTTPParser: false,
    noDelay: true,
    // The guard distinguishes target and fields; see malformed.ts for heads larger than both limits together.
    maxHeaderSize: limits.headerBytes + limits.targetBytes + 1,
    // Checked by the guard, whose answer says more.
    requireHostHeader: false,
    headersTimeout: timeouts.headers,
    // Would cut long uploads.
    requestTimeout: 0,
    keepAliveTimeout: timeouts.keepAlive,
    connectionsCheckingInterval: Math.min(1_000, Math.max(25, Math.ceil(timeouts.headers / 4))),
    optimizeEmptyRequests: true,
  })
  // The guard counts: node's own bound cannot be told from too many bytes, and cuts trailers silently.
  server.maxHeadersCount = 0
  return server
}
