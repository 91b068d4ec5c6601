import type { DownstreamEvents } from '../../../core/downstream.ts'
import type { Failure } from '../../../core/failures.ts'
import type { FlatHeaders } from '../../../lib/headers.ts'
import { Timer, type TimerWheel } from '../../../lib/timers.ts'
import { SILENCE_MS, TOTAL_MS } from '../accept/linger.ts'
import type { HeadGuard } from './guard.ts'

/** The connection that a body comes over. */
export interface BodyConnection {
  readonly timers: TimerWheel
  /** Milliseconds, see `timeouts.body`. */
  readonly bodyTimeout: number
  /** The rest of what the client sends is not needed: it is read and forgotten. */
  drop(): void
}

/** Where a body comes from: the request that it belongs to. */
export interface BodyOwner {
  /** All of the request was parsed. */
  readonly received: boolean
  readonly bodyTrailers: FlatHeaders
  /** The answer promises that the connection stays open. */
  readonly keepsConnection: boolean
  /** What comes is told by `onData` and `onEnd` from now on. */
  readBody(): void
  holdBody(): void
  goOnWithBody(): void
  /** Sends `100 Continue`. */
  askForBody(): void
  readonly events: DownstreamEvents | undefined
  /** No event follows; calls do nothing. */
  readonly over: boolean
  readonly headSent: boolean
  /** The body is not read to its end: the connection cannot carry another request. */
  onBodyCut(): void
  /** Before a handler attached: the body's framing is broken. */
  onBroken(failure: Failure): void
}

/** Bytes of an unneeded body that may still be missing for its connection to be kept. */
const DISCARD_BYTES = 65_536

/** State of the body. */
const Body = { unasked: 0, wanted: 1, paused: 2, discarded: 3, complete: 4, cut: 5 } as const
type BodyState = (typeof Body)[keyof typeof Body]

/** The body of a request: what is done with it, and how long it may take. */
export class ClientBody {
  /** Bytes; -1: chunked. */
  readonly length: number
  bytesIn = 0
  private readonly owner: BodyOwner
  private readonly connection: BodyConnection
  private timer: Timer | undefined = undefined
  private expects: boolean
  private state: BodyState = Body.unasked
  /** Clock milliseconds until which a discarded body is read. */
  private discardUntil = 0

  constructor(owner: BodyOwner, connection: BodyConnection, guard: HeadGuard) {
    this.owner = owner
    this.connection = connection
    this.length = guard.contentLength
    this.expects = guard.expects
  }

  start(): void {
    if (this.state !== Body.unasked) return
    this.state = Body.wanted
    if (this.expects) {
      this.expects = false
      this.owner.askForBody()
    }
    this.arm(this.connection.bodyTimeout)
    this.owner.readBody()
  }

  pause(): void {
    if (this.state !== Body.wanted) return
    this.state = Body.paused
    this.owner.holdBody()
    this.disarm()
  }

  resume(): void {
    if (this.state !== Body.paused) return
    this.state = Body.wanted
    this.arm(this.connection.bodyTimeout)
    this.owner.goOnWithBody()
  }

  discard(): void {
    if (this.state > Body.paused) return
    // The head promised that the connection stays open: that binds.
    if (this.owner.headSent ? !this.owner.keepsConnection : !this.littleIsMissing) {
      this.cut()
      return
    }
    const before = this.state
    this.state = Body.discarded
    this.arm(SILENCE_MS)
    this.discardUntil = this.connection.timers.coarseNow + TOTAL_MS
    if (before === Body.unasked) this.owner.readBody()
    else this.owner.goOnWithBody()
  }

  /** It reports nothing from now on. */
  leave(): void {
    this.disarm()
  }

  /** The rest of it cannot be parsed. */
  breakOff(failure: Failure): void {
    const { owner, state } = this
    if (state >= Body.complete) return
    this.cut()
    if (state === Body.discarded) return
    if (owner.events === undefined) owner.onBroken(failure)
    else owner.events.onGone('malformed')
  }

  /** All of it was delivered, or dropped. */
  get complete(): boolean {
    return this.state === Body.complete
  }

  /** Whether an answer that begins now will end before a body that is not waited for. */
  isLeftBy(status: number): boolean {
    if (this.state === Body.complete || this.littleIsMissing) return false
    // The body of a request that does not fail may be read and answered at the same time.
    return status >= 400 || (this.state !== Body.wanted && this.state !== Body.paused)
  }

  /** @internal */
  onData(chunk: Buffer): void {
    const { connection, owner, state } = this
    if (owner.over || state === Body.cut) return
    this.bytesIn += chunk.length
    if (state === Body.wanted) {
      this.arm(connection.bodyTimeout)
      owner.events?.onBody(chunk)
    } else if (state === Body.discarded) {
      const { timers } = connection
      timers.scheduleAt(this.timer as Timer, Math.min(timers.coarseNow + SILENCE_MS, this.discardUntil))
    }
  }

  /** @internal */
  onEnd(): void {
    const { owner, state } = this
    if (owner.over || state > Body.discarded) return
    this.disarm()
    this.state = Body.complete
    if (state !== Body.discarded) owner.events?.onBodyEnd(owner.bodyTrailers)
  }

  /**
   * Little enough to wait for it in place of a new connection. A client that waits for 100 Continue sends nothing, or
   * everything: only the end of the connection tells which.
   */
  private get littleIsMissing(): boolean {
    if (this.owner.received) return true
    return !this.expects && this.length >= 0 && this.length - this.bytesIn <= DISCARD_BYTES
  }

  private cut(): void {
    this.state = Body.cut
    this.disarm()
    this.connection.drop()
    // Lets go of what has been read.
    this.owner.goOnWithBody()
    this.owner.onBodyCut()
  }

  private onTimer(): void {
    const { state } = this
    this.cut()
    if (state === Body.wanted) this.owner.events?.onGone('too_slow')
  }

  private arm(ms: number): void {
    this.timer ??= new Timer(() => this.onTimer())
    this.connection.timers.schedule(this.timer, ms)
  }

  private disarm(): void {
    if (this.timer !== undefined) this.connection.timers.cancel(this.timer)
  }
}
