import type { Downstream } from '../../core/downstream.ts'
import type { Upload } from '../../core/exchange.ts'
import type { Clock } from '../../lib/clock.ts'
import type { FlatHeaders } from '../../lib/headers.ts'
import { Arrears } from './arrears.ts'

/** Bytes of a request body that are kept for another attempt. */
export const REPLAY_BYTES = 65_536
/** Bytes of all such buffers of one worker; above it, requests are not repeatable once sending began. */
const WORKER_REPLAY_BYTES = 64 * 1024 * 1024

/** Replay bytes held by one worker's requests. */
export class ReplayBudget {
  held = 0

  take(bytes: number): boolean {
    if (this.held + bytes > WORKER_REPLAY_BYTES) return false
    this.held += bytes
    return true
  }

  give(bytes: number): void {
    this.held -= bytes
  }
}

/** Gets the body. `write` false: `RequestBody.onDrain` follows when there is room. */
export interface BodyTaker {
  write(chunk: Buffer): boolean
  end(trailers: FlatHeaders): void
  /** The request has ended before the body did. */
  broken?(): void
}

/** Learns when the body begins and stops moving: the clocks stand still in between. */
export interface BodyWatcher {
  readonly clock: Pick<Clock, 'now'>
  onBodyMoving(moving: boolean): void
}

/**
 * The request body on its way from the client to whichever attempt is current. Passes chunks on with backpressure; keeps the
 * first 64 KiB, so that another attempt can have them again.
 */
export class RequestBody {
  private readonly downstream: Downstream
  private readonly budget: ReplayBudget
  private readonly watcher: BodyWatcher
  /** Kept from the start, or (past the bound) only what the current attempt has not taken yet. */
  private chunks: Buffer[] = []
  private keeping: boolean
  private kept = 0
  /** Chunks that the current attempt has been given. */
  private position = 0
  private ticket: BodyTaker | undefined = undefined
  private blocked = false
  private blockedAt = 0
  private blockedMs = 0
  private readonly arrears = new Arrears()
  private asked = false
  private paused = false
  /** All of it has come. */
  received = false
  private over = false
  private trailers: FlatHeaders = []
  private bytes = 0
  /** The worker's budget is spent. */
  private crowded = false
  private gathering: (() => void) | undefined = undefined
  /** Written whole to some attempt. */
  delivered = false
  private progress = 0

  constructor(downstream: Downstream, budget: ReplayBudget, watcher: BodyWatcher) {
    this.downstream = downstream
    this.budget = budget
    this.watcher = watcher
    this.keeping = downstream.contentLength <= REPLAY_BYTES
  }

  /** Another attempt could be given everything from the first byte. */
  get repeatable(): boolean {
    return !this.asked || this.keeping
  }

  /** Bytes received since the last call. */
  takeProgress(): number {
    const bytes = this.progress
    this.progress = 0
    return bytes
  }

  /** Milliseconds since the last call in which the attempt did not take the body. */
  takeBlockedMs(): number {
    this.countBlocked()
    const ms = this.blockedMs
    this.blockedMs = 0
    return ms
  }

  /** How much of it is here, for an attempt that has had none of it. */
  get atHand(): Upload {
    if (this.received) return 'whole'
    return this.bytes > REPLAY_BYTES || this.crowded ? 'begun' : 'unread'
  }

  /** More of it is wanted, and the client does not send. */
  get waitsForClient(): boolean {
    return (this.ticket !== undefined || this.gathering !== undefined) && this.asked && !this.blocked && !this.received
  }

  /** The client owes the current attempt more of it, and has kept it waiting for most of its time. */
  get overdue(): boolean {
    return this.ticket !== undefined && !this.delivered && this.arrears.due(this.watcher.clock.now())
  }

  /** The current attempt's connection wants the body. */
  feed(ticket: BodyTaker): void {
    const now = this.watcher.clock.now()
    this.arrears.begin(now)
    this.ticket = ticket
    this.position = 0
    this.countBlocked()
    this.blocked = false
    if (!this.delivered) this.watcher.onBodyMoving(true)
    if (!this.asked) {
      this.asked = true
      this.arrears.wait(now)
      this.downstream.startBody()
      return
    }
    this.pump()
  }

  /**
   * Reads it before an attempt begins, until it is whole or as much as is kept has come; `then` follows unless it is
   * detached.
   */
  gather(then: () => void): void {
    this.gathering = then
    this.watcher.onBodyMoving(true)
    if (this.asked) this.resume()
    else {
      this.asked = true
      this.downstream.startBody()
    }
  }

  /** What is kept of it, which has to come again by `onChunk`: it passes more stages before an attempt has it. */
  takeKept(): readonly Buffer[] {
    const { chunks } = this
    this.chunks = []
    this.position = 0
    this.bytes = 0
    this.budget.give(this.kept)
    this.kept = 0
    return chunks
  }

  /** The current attempt is over or gone, or there will be none. */
  detach(): void {
    if (this.ticket === undefined && this.gathering === undefined) return
    this.countBlocked()
    this.blocked = false
    this.ticket = undefined
    this.gathering = undefined
    this.watcher.onBodyMoving(false)
    this.pause()
  }

  /** It is not needed by any attempt any more. */
  discard(): void {
    this.detach()
    this.release()
    if (!this.received && !this.over) {
      this.over = true
      this.downstream.discardBody()
    }
  }

  onChunk(chunk: Buffer): void {
    if (this.over) return
    this.progress += chunk.length
    this.bytes += chunk.length
    if (this.arrears.waiting) this.arrears.came(chunk.length, this.watcher.clock.now())
    if (this.keeping) this.keep(chunk)
    if (!this.keeping && this.ticket !== undefined && !this.blocked && this.position === this.chunks.length) {
      this.chunks.length = 0
      this.position = 0
      if (!this.ticket.write(chunk)) this.block()
      return
    }
    this.chunks.push(chunk)
    if (this.gathering !== undefined) this.gathered()
    else if (this.ticket === undefined) this.pause()
    else if (!this.blocked) this.pump()
  }

  onEnd(trailers: FlatHeaders): void {
    this.received = true
    this.arrears.stop()
    this.trailers = trailers
    if (this.gathering !== undefined) this.gathered()
    else if (this.ticket !== undefined && !this.blocked) this.pump()
  }

  onDrain(): void {
    this.countBlocked()
    this.blocked = false
    this.pump()
  }

  /** Gives the buffer's bytes back. */
  release(): void {
    this.ticket?.broken?.()
    this.budget.give(this.kept)
    this.kept = 0
    this.keeping = false
    this.chunks.length = 0
    this.position = 0
  }

  private gathered(): void {
    const { gathering } = this
    if (gathering === undefined || this.atHand === 'unread') return
    this.gathering = undefined
    this.watcher.onBodyMoving(false)
    this.pause()
    gathering()
  }

  private keep(chunk: Buffer): void {
    if (this.kept + chunk.length <= REPLAY_BYTES) {
      if (this.budget.take(chunk.length)) {
        this.kept += chunk.length
        return
      }
      this.crowded = true
    }
    this.keeping = false
    this.budget.give(this.kept)
    this.kept = 0
    this.chunks.splice(0, this.position)
    this.position = 0
  }

  private pump(): void {
    while (this.ticket !== undefined && this.position < this.chunks.length) {
      if (!this.ticket.write(this.chunks[this.position++] as Buffer)) {
        this.block()
        return
      }
    }
    if (!this.keeping) {
      this.chunks.length = 0
      this.position = 0
    }
    const ticket = this.ticket
    if (ticket === undefined) return
    if (!this.received) {
      if (!this.arrears.waiting) this.arrears.wait(this.watcher.clock.now())
      this.resume()
      return
    }
    this.delivered = true
    this.watcher.onBodyMoving(false)
    ticket.end(this.trailers)
  }

  private block(): void {
    this.blocked = true
    this.arrears.stop()
    this.blockedAt = this.watcher.clock.now()
    this.pause()
  }

  private countBlocked(): void {
    if (!this.blocked) return
    const now = this.watcher.clock.now()
    this.blockedMs += now - this.blockedAt
    this.blockedAt = now
  }

  private pause(): void {
    if (this.paused || this.received || !this.asked || this.over) return
    this.paused = true
    this.downstream.pauseBody()
  }

  private resume(): void {
    if (!this.paused || this.over) return
    this.paused = false
    this.downstream.resumeBody()
  }
}
