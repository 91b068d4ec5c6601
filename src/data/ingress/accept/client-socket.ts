import type { Socket } from 'node:net'
import type { Peer } from '../../../core/downstream.ts'
import type { Failure } from '../../../core/failures.ts'
import { canonicalIp } from '../../../lib/ip.ts'
import type { LifeLimit, Lifetime } from '../../../lib/lifetime.ts'
import type { TimerWheel } from '../../../lib/timers.ts'
import type { Accepted } from './acceptor.ts'
import { Linger, TOTAL_MS } from './linger.ts'

/** How long a refused connection may stay: no limit counts it, or there are too many already. */
const REFUSED_MS = 1_000

/** What the sockets of one listener share. */
export interface SocketHost {
  /** Of the listener. */
  readonly name: string
  readonly timers: TimerWheel
  /** See `Acceptor`. */
  readonly lingering: Set<Accepted>
  /** Every answer closes its connection. */
  readonly draining: boolean
  /** A connection has reached a limit of its life: to be counted. */
  readonly retired: (limit: LifeLimit) => void
}

/** A client's socket and how it ends; what is spoken over it comes with subclasses. */
export abstract class ClientSocket implements Accepted {
  readonly peer: Peer
  counted = true
  life!: Lifetime
  protected readonly socket: Socket
  /** The answer in progress, or sent, is the last one. */
  protected last = false
  protected linger: Linger | undefined = undefined
  protected refused = false
  private readonly sockets: SocketHost
  private retired = false
  /** Bytes read when the connection was last looked at. */
  private seen = -1

  constructor(host: SocketHost, socket: Socket) {
    this.sockets = host
    this.socket = socket
    const address = socket.remoteAddress ?? ''
    this.peer = {
      address: canonicalIp(address) ?? address,
      port: socket.remotePort ?? 0,
      localPort: socket.localPort ?? 0,
      secure: false,
      listener: host.name,
    }
  }

  /** A request is being read or answered. */
  protected abstract readonly busy: boolean

  abstract turnAway(failure: Failure): void

  /** Each answer is the last one. */
  get draining(): boolean {
    return this.retired || this.sockets.draining
  }

  retire(): void {
    this.reached('maxAge')
  }

  /** A request has its turn. */
  protected took(): void {
    if (--this.life.left <= 0) this.reached('maxRequests')
  }

  private reached(limit: LifeLimit): void {
    if (this.retired || this.last) return
    this.retired = true
    this.sockets.retired(limit)
  }

  looksIdle(): boolean {
    if (this.busy || this.last) return false
    const { bytesRead } = this.socket
    const same = this.seen === bytesRead
    this.seen = bytesRead
    return same
  }

  destroy(): void {
    this.socket.destroy()
  }

  onClosed(): void {
    this.linger?.stop()
    this.close()
  }

  end(): void {
    if (this.linger !== undefined) return
    this.close()
    this.linger = new Linger(this.socket, this.sockets.timers, this.refused ? REFUSED_MS : TOTAL_MS)
    if (this.counted) this.sockets.lingering.add(this)
  }

  /** `visibly`: by a reset, where a FIN would look like the end of the answer. */
  break(visibly: boolean): void {
    this.last = true
    if (visibly) this.socket.resetAndDestroy()
    else this.socket.destroy()
  }

  /** No request follows. */
  protected close(): void {
    this.last = true
  }
}
