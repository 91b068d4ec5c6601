import type { Duplex } from 'node:stream'
import type { ListenerConfig } from '../../../core/config.ts'
import type { Glimpse } from '../../../core/downstream.ts'
import type { Failure } from '../../../core/failures.ts'
import type { Lifetime } from '../../../lib/lifetime.ts'
import type { TimerWheel } from '../../../lib/timers.ts'
import { ClientSocket } from '../accept/client-socket.ts'
import { type ConnectionHost, NOTHING_SEEN } from './host.ts'
import { rawAnswer } from './raw-answer.ts'

/** A client that closes its side so soon after what it had to say still reads, as far as can be told. */
const HALF_CLOSE_MS = 100

/** A client's connection that speaks HTTP/1.1: what of it does not depend on what reads and writes. */
export abstract class HttpSocket<S extends Duplex = Duplex> extends ClientSocket<S> {
  readonly timers: TimerWheel
  readonly bodyTimeout: number
  protected readonly host: ConnectionHost
  /** The client has closed its side, and still reads. */
  halfClosed = false
  /** Another protocol is spoken over it, by others. */
  protected handedOver = false
  private readonly halfClose: ListenerConfig['halfClose']
  /** Clock milliseconds: when the latest byte came. */
  private heardAt = 0

  constructor(host: ConnectionHost, socket: S, life: Lifetime, { halfClose }: ListenerConfig) {
    super(host, socket, life)
    this.host = host
    this.timers = host.timers
    this.bodyTimeout = host.bodyTimeout
    this.halfClose = halfClose
  }

  /** Nothing more that the client sends is looked at. */
  abstract drop(): void

  turnAway(failure: Failure): void {
    this.refused = true
    this.refuse(failure, NOTHING_SEEN)
  }

  /** Answers with a failure that belongs to no request, and closes. */
  protected refuse(failure: Failure, seen: Glimpse): void {
    const { host, socket } = this
    if (!socket.writable) {
      this.destroy()
      return
    }
    const answer = host.handler.malformed(this.peer, failure, seen)
    if (answer !== undefined) socket.write(rawAnswer(answer, host.clock.wall()))
    this.end()
  }

  /**
   * What was written goes out, and the socket is closed without waiting for the client's end. Until that is through, more may
   * be read: a read that filled its buffer is followed by another at once.
   */
  protected closeSoon(): void {
    const { socket } = this
    this.close()
    this.drop()
    socket.end()
    if (socket.writableFinished) socket.destroy()
    else socket.once('finish', () => socket.destroy())
  }

  protected fault({ rule }: Failure): void {
    if (rule !== undefined) this.host.fault(rule)
  }

  /** Hands it over, paused. `rest`: what came behind the request; it is read first. */
  protected pass(rest: Buffer | undefined): S {
    const { socket } = this
    this.close()
    this.handedOver = true
    socket.pause()
    socket.removeAllListeners('data')
    if (rest !== undefined) socket.unshift(rest)
    return socket
  }

  /** The client has sent something. */
  protected heard(): void {
    this.heardAt = this.host.clock.now()
  }

  /**
   * The client has closed its side while it waits for an answer, or reads one: whether it has gone. `openEnded`: it reads a
   * stream that may be silent, which would show nothing of that for long.
   */
  protected hasGone(openEnded: boolean): boolean {
    const { halfClose, heardAt, host } = this
    return halfClose === 'abort' || (halfClose === 'auto' && (openEnded || host.clock.now() - heardAt > HALF_CLOSE_MS))
  }
}
