import type { Socket } from 'node:net'
import type { Failure } from '../../../core/failures.ts'
import type { Lifetime } from '../../../lib/lifetime.ts'
import { Timer, type TimerWheel } from '../../../lib/timers.ts'
import type { Accepted } from './acceptor.ts'

/** What is known of a connection before a byte of it. */
export interface Arrival {
  /** Clock milliseconds: when whatever must come first has come at the latest. */
  readonly due: number
  readonly life: Lifetime
}

/** What a connection may turn out to be by its first bytes, and what speaks over it then. */
export interface Outcome {
  /** Whether it is this, of which these are all bytes so far; undefined: it takes more of them to tell. */
  matches(first: Buffer): boolean | undefined
  /** Takes the socket over. */
  accept(socket: Socket, arrival: Arrival): Accepted
}

/** What the peeks of one listener share. */
export interface PeekHost {
  /** In this order; the last takes what no other does. */
  readonly outcomes: readonly [...Outcome[], Outcome]
  readonly timers: TimerWheel
  /** A client has sent nothing in time: to be counted. */
  readonly silent: () => void
  become(before: Peek, socket: Socket, next: Accepted): void
}

/**
 * One that was opened so short a while ago is about to be used: a client that connects, and then meets a close, has lost a
 * request. Milliseconds.
 */
const FRESH_MS = 1_000
/** More than that is never looked at. */
const MOST_BYTES = 4_096
const NOTHING = Buffer.alloc(0)

/**
 * A connection of which is not known yet what is spoken over it. Its first bytes are looked at and go to what takes it over:
 * nothing is read twice, and nothing is left of this afterwards.
 */
export class Peek implements Accepted, Arrival {
  counted = true
  readonly due: number
  readonly life: Lifetime
  private readonly host: PeekHost
  private readonly socket: Socket
  private readonly timer: Timer
  private first: Buffer = NOTHING
  private retired = false
  /** Milliseconds by the coarse clock. */
  private readonly since: number

  constructor(host: PeekHost, socket: Socket, due: number, life: Lifetime) {
    this.host = host
    this.socket = socket
    this.due = due
    this.life = life
    this.timer = new Timer(() => this.onLate())
    host.timers.scheduleAt(this.timer, due)
    this.since = host.timers.coarseNow
    socket.on('data', this.start)
    socket.on('end', this.onEnd)
    socket.on('error', ignore)
  }

  readonly start = (chunk: Buffer): void => {
    const first = this.first.length === 0 ? chunk : Buffer.concat([this.first, chunk])
    for (const outcome of this.host.outcomes) {
      const matches = outcome.matches(first)
      if (matches === false) continue
      if (matches === true) {
        this.become(outcome).start(first)
        return
      }
      if (first.length < MOST_BYTES) {
        this.first = first
        return
      }
    }
    this.becomeLast().start(first)
  }

  looksIdle(): boolean {
    return this.first.length === 0 && this.host.timers.coarseNow - this.since >= FRESH_MS
  }

  /** What takes it over is told: it counts that, and says it with its first answer. */
  retire(): void {
    this.retired = true
  }

  turnAway(failure: Failure): void {
    this.becomeLast().turnAway(failure)
  }

  end(): void {
    this.becomeLast().end()
  }

  destroy(): void {
    this.socket.destroy()
  }

  onClosed(): void {
    this.host.timers.cancel(this.timer)
  }

  private readonly onEnd = (): void => {
    const { first, socket } = this
    if (first.length === 0) {
      socket.end()
      return
    }
    const heard = socket.listeners('end')
    this.becomeLast().start(first)
    // What listens only now has missed it. The others would hear it twice.
    for (const listener of socket.listeners('end')) if (!heard.includes(listener)) listener.call(socket)
  }

  private onLate(): void {
    if (this.first.length > 0) {
      this.becomeLast().start(this.first)
      return
    }
    this.host.silent()
    this.destroy()
  }

  private becomeLast(): Accepted {
    return this.become(this.host.outcomes.at(-1) as Outcome)
  }

  private become(outcome: Outcome): Accepted {
    const { host, socket, timer } = this
    host.timers.cancel(timer)
    socket.removeListener('data', this.start).removeListener('end', this.onEnd)
    const next = outcome.accept(socket, this)
    socket.removeListener('error', ignore)
    host.become(this, socket, next)
    if (this.retired) next.retire()
    return next
  }
}

function ignore(): void {}
