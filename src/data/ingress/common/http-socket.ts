import type { Duplex } from 'node:stream'
import type { ListenerConfig } from '../../../core/config.ts'
import type { Glimpse } from '../../../core/downstream.ts'
import type { Failure } from '../../../core/failures.ts'
import type { EventClock } from '../../../lib/event-clock.ts'
import type { Lifetime } from '../../../lib/lifetime.ts'
import { readNoFurther } from '../../../lib/read-ahead.ts'
import type { TimerWheel } from '../../../lib/timers.ts'
import { ClientSocket } from '../accept/client-socket.ts'
import { type ConnectionHost, NOTHING_SEEN } from './host.ts'
import { rawAnswer } from './raw-answer.ts'

/** A client that closes its side so soon after what it had to say still reads, as far as can be told. */
const HALF_CLOSE_MS = 100

/** What a connection knows of a request that is being answered. */
interface Answering {
  /** All of the answer was given. */
  readonly ended: boolean
  /** The answer is a stream that may be silent for long. */
  readonly openEnded: boolean
}

/** A client's connection that speaks HTTP/1.1: what of it does not depend on what reads and writes. */
export abstract class HttpSocket<S extends Duplex, R extends Answering> extends ClientSocket<S, ConnectionHost> {
  readonly clock: EventClock
  readonly timers: TimerWheel
  readonly bodyTimeout: number
  /** The client has closed its side, and still reads. */
  halfClosed = false
  /** The request that is being answered. */
  protected active: R | undefined = undefined
  /** Another protocol is spoken over it, by others. */
  protected handedOver = false
  private readonly halfClose: ListenerConfig['halfClose']
  /** Clock milliseconds: when the latest byte came. */
  private heardAt = 0

  constructor(host: ConnectionHost, socket: S, life: Lifetime, { halfClose }: ListenerConfig) {
    super(host, socket, life)
    this.clock = host.clock
    this.timers = host.timers
    this.bodyTimeout = host.bodyTimeout
    this.halfClose = halfClose
  }

  protected get busy(): boolean {
    return this.active !== undefined
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
    readNoFurther(socket)
    if (rest !== undefined) socket.unshift(rest)
    return socket
  }

  /** The client has sent something. */
  protected heard(): void {
    this.heardAt = this.host.clock.now()
  }

  /** A request has its turn. */
  protected begins(request: R): void {
    this.active = request
    this.took()
    this.host.inFlight++
  }

  /** A request has ended. False: it was not the one that is being answered. */
  protected ends(request: R): boolean {
    if (this.active !== request) return false
    this.active = undefined
    this.host.inFlight--
    return true
  }

  /** The client has closed its side while it waits for an answer, or reads one. `whole`: of its request nothing is missing. */
  protected closedBy({ ended, openEnded }: R, whole: boolean): void {
    if (whole && !this.hasGone(openEnded)) this.halfClosed = true
    // Its answer is on its way, and may still be read.
    else if (ended) this.close()
    else this.destroy()
  }

  /** Whether a client that has closed its side has gone. `openEnded`: a stream that may be silent would not show it for long. */
  private hasGone(openEnded: boolean): boolean {
    const { halfClose, heardAt, host } = this
    return halfClose === 'abort' || (halfClose === 'auto' && (openEnded || host.clock.now() - heardAt > HALF_CLOSE_MS))
  }
}
