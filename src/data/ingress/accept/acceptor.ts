import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type Failure, failure } from '../../../core/failures.ts'
import { type Pressure, Stage } from '../../../core/pressure.ts'
import { unixPath } from '../../../lib/address.ts'
import type { Clock } from '../../../lib/clock.ts'
import { type LifeLimits, Lifetime, Spread } from '../../../lib/lifetime.ts'
import type { TimerWheel } from '../../../lib/timers.ts'
import { Aging } from './aging.ts'
import { Peek, type PeekHost } from './peek.ts'

/** Counts open connections over all workers; a `HeldCell` is one. */
export interface ConnectionCount {
  /** False: `limit` are open. */
  takeBelow(limit: number): boolean
  give(): void
}

/** One accepted connection, whatever is spoken over it. */
export interface Accepted {
  /** It takes one of the places of `limits.connections`. */
  counted: boolean
  /** What is left to it. */
  readonly life: Lifetime
  /** It has reached its age: what is answered next says that it is the last. */
  retire(): void
  /**
   * No request is being read or answered, and none is about to come, as far as can be known: nothing came since the last
   * look, or for a while behind the accept.
   */
  looksIdle(): boolean
  /** Takes what was read of its socket so far. Not called where it is refused or ended at once. */
  start(first: Buffer): void
  /** Refuses it: nothing that it sends is looked at. */
  turnAway(failure: Failure): void
  /** Sends FIN; the client has some time to do the same. */
  end(): void
  destroy(): void
  /** Its socket has closed. */
  onClosed(): void
}

export interface AcceptorOptions {
  /** Most open connections, over all workers. */
  readonly limit: number
  /** Of each connection. */
  readonly life: LifeLimits
  readonly clock: Clock
  /** Default: the connections of this acceptor only. */
  readonly count?: ConnectionCount | undefined
  /** Default: no pressure. */
  readonly pressure?: Pressure | undefined
  readonly timers: TimerWheel
  readonly outcomes: PeekHost['outcomes']
  /** Milliseconds until whatever must come first on a connection has come. */
  readonly patience: number
  /** See {@link PeekHost}. */
  readonly silent: () => void
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

const BACKLOG = 4096

/** A listening socket and its connections. It knows no protocol. */
export class Acceptor implements PeekHost {
  /** Connections that wait for their client's end, longest first; each makes room when there are too many connections. */
  readonly lingering = new Set<Accepted>()
  readonly outcomes: PeekHost['outcomes']
  readonly timers: TimerWheel
  readonly silent: () => void
  private readonly options: AcceptorOptions
  private readonly count: ConnectionCount
  private readonly server: Server
  /** The oldest first. */
  private readonly open = new Map<Socket, Accepted>()
  private readonly spread = new Spread()
  private readonly aging: Aging
  private leaving = false
  private accepted = 0
  /** Idle connections to close in one step of a drain. */
  private portion = 1

  constructor(options: AcceptorOptions) {
    this.options = options
    this.outcomes = options.outcomes
    this.timers = options.timers
    this.silent = options.silent
    this.count = options.count ?? { takeBelow: (limit) => this.open.size < limit, give: () => {} }
    this.aging = new Aging(options.clock, options.life.maxAge, this.open)
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.onConnection(socket))
  }

  /** Every answer closes its connection. */
  get draining(): boolean {
    return this.leaving || this.stage >= Stage.close
  }

  /** Open connections of this worker. */
  get connections(): number {
    return this.open.size
  }

  /** Binds; resolves with the port, which is 0 of a socket with a path. Rejects with the system's error code where that fails. */
  listen(host: string, port: number, reusePort: boolean): Promise<number> {
    const { server } = this
    const path = unixPath(host)
    const at = path === undefined ? { host, port, reusePort } : { path }
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ ...at, backlog: BACKLOG }, () => {
        server.off('error', reject)
        resolve(path === undefined ? (server.address() as AddressInfo).port : 0)
      })
    })
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
    this.aging.stop()
    for (const connection of this.open.values()) connection.destroy()
  }

  private get stage(): number {
    return this.options.pressure?.stage ?? 0
  }

  private onConnection(socket: Socket): void {
    const { clock, life, limit, patience } = this.options
    const now = clock.now()
    this.accepted++
    const peek = new Peek(this, socket, now + patience, new Lifetime(life, this.spread.next(), now))
    peek.counted = this.count.takeBelow(limit) || this.takeFromLingering()
    this.open.set(socket, peek)
    this.aging.begin()
    socket.on('close', () => this.onClose(socket))
    if (!peek.counted) peek.turnAway(TOO_MANY)
    else if (this.stage >= Stage.refuse) peek.turnAway(OVERLOADED)
  }

  /** What it is has shown. */
  become(before: Peek, socket: Socket, next: Accepted): void {
    next.counted = before.counted
    this.open.set(socket, next)
  }

  private onClose(socket: Socket): void {
    const connection = this.open.get(socket) as Accepted
    this.open.delete(socket)
    this.lingering.delete(connection)
    if (connection.counted) this.count.give()
    connection.onClosed()
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
      if (this.open.size > 0 || this.server.listening) this.options.clock.after(DRAIN_STEP_MS, () => this.drainStep())
    })
  }

  private closeStep(rounds: number, quiet: number, accepted: number, done: () => void): void {
    if (!this.server.listening || rounds === 0 || quiet === CLOSE_QUIET) {
      this.stopListening()
      done()
      return
    }
    this.options.clock.after(CLOSE_STEP_MS, () => {
      setImmediate(() => {
        const next = this.accepted === accepted ? quiet + 1 : 0
        this.closeStep(rounds - 1, next, this.accepted, done)
      })
    })
  }

  private stopListening(): void {
    if (this.server.listening) this.server.close()
  }
}
