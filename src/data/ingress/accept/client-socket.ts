import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Peer } from '../../../core/downstream.ts'
import type { Failure } from '../../../core/failures.ts'
import { UNIX_PEER } from '../../../lib/address.ts'
import { canonicalIp } from '../../../lib/ip.ts'
import type { LifeLimit, Lifetime } from '../../../lib/lifetime.ts'
import { resetStream } from '../../../lib/reset-stream.ts'
import type { TimerWheel } from '../../../lib/timers.ts'
import type { Accepted } from './acceptor.ts'
import { Linger, TOTAL_MS } from './linger.ts'

/** How long a refused connection may stay: no limit counts it, or there are too many already. */
const REFUSED_MS = 1_000

/** What the sockets of one listener share. */
export interface SocketHost {
  /** Of the listener. */
  readonly name: string
  /** Its sockets have a path, and their peers no address. */
  readonly unix: boolean
  readonly timers: TimerWheel
  /** See `Acceptor`. */
  readonly lingering: Set<Accepted>
  /** Every answer closes its connection. */
  readonly draining: boolean
  /** A connection has reached a limit of its life: to be counted. */
  readonly retired: (limit: LifeLimit) => void
}

/** What of a socket other streams may lack. */
type SocketFacts = Partial<Pick<Socket, 'bytesRead' | 'localPort' | 'remoteAddress' | 'remotePort'>>

/** A client's socket and how it ends; what is spoken over it comes with subclasses. `S`: whatever carries octets both ways. */
export abstract class ClientSocket<S extends Duplex = Duplex, H extends SocketHost = SocketHost> implements Accepted {
  readonly peer: Peer
  counted = true
  readonly life: Lifetime
  protected readonly host: H
  protected readonly socket: S
  /** The answer in progress, or sent, is the last one. */
  protected last = false
  protected linger: Linger | undefined = undefined
  protected refused = false
  private retired = false
  /** Bytes read when the connection was last looked at. */
  private seen = -1

  constructor(host: H, socket: S, life: Lifetime) {
    this.host = host
    this.socket = socket
    this.life = life
    const { localPort = 0, remoteAddress = '', remotePort = 0 } = socket as SocketFacts
    this.peer = {
      address: host.unix ? UNIX_PEER : (canonicalIp(remoteAddress) ?? remoteAddress),
      port: remotePort,
      localPort,
      secure: false,
      listener: host.name,
    }
  }

  /** A request is being read or answered. */
  protected abstract readonly busy: boolean

  abstract start(first: Buffer): void

  abstract turnAway(failure: Failure): void

  /** Each answer is the last one. */
  get draining(): boolean {
    return this.retired || this.host.draining
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
    this.host.retired(limit)
  }

  looksIdle(): boolean {
    if (this.busy || this.last) return false
    const { bytesRead = 0 } = this.socket as SocketFacts
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
    this.linger = new Linger(this.socket, this.host.timers, this.refused ? REFUSED_MS : TOTAL_MS)
    if (this.counted) this.host.lingering.add(this)
  }

  /** `visibly`: by a reset, where a FIN would look like the end of the answer. */
  break(visibly: boolean): void {
    this.last = true
    if (visibly) resetStream(this.socket)
    else this.socket.destroy()
  }

  /** No request follows. */
  protected close(): void {
    this.last = true
  }
}
