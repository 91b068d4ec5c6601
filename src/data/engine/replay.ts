import type { Downstream } from '../../core/downstream.ts'
import type { Upload } from '../../core/exchange.ts'
import type { Clock } from '../../lib/clock.ts'
import type { FlatHeaders } from '../../lib/headers.ts'
import { Arrears } from './arrears.ts'
import type { ByteBudget } from './byte-budget.ts'
import { HeldChunks } from './held-chunks.ts'

/** Bytes of a request body that are kept for another attempt. */
export const REPLAY_BYTES = 65_536
/** Parts of a body that are kept for another attempt: each costs some hundred bytes, whatever it holds. */
const REPLAY_PARTS = 1_024

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

/** Waits for a part of the body before an attempt. */
export interface Gathering {
  /** Asked at each part of it, and at its end; true: `done` follows. */
  enough(): boolean
  done(): void
  /** It is waited for no longer. */
  stop(): void
}

/**
 * The request body on its way from the client to whichever attempt is current. Passes chunks on with backpressure; keeps the
 * first 64 KiB, so that another attempt can have them again. What is held of it counts in the worker's budget.
 */
export class RequestBody {
  private readonly downstream: Downstream
  private readonly watcher: BodyWatcher
  /** From the start, or (past the bound) only what the current attempt has not taken yet. */
  private readonly held: HeldChunks
  private keeping: boolean
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
  private gathering: Gathering | undefined = undefined
  /** See {@link mayBegin}. */
  private begun = false
  /** Another attempt could be given everything from the first byte: nothing that one was given has been let go. */
  repeatable = true
  /** Written whole to some attempt. */
  delivered = false
  private progress = 0

  constructor(downstream: Downstream, budget: ByteBudget, watcher: BodyWatcher) {
    this.downstream = downstream
    this.held = new HeldChunks(budget)
    this.watcher = watcher
    this.keeping = downstream.contentLength <= REPLAY_BYTES
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
    return this.bytes > REPLAY_BYTES || this.held.crowded ? 'begun' : 'unread'
  }

  /** All of it will be kept, as far as its length says. */
  get isShort(): boolean {
    const { contentLength } = this.downstream
    return contentLength >= 0 && contentLength <= REPLAY_BYTES
  }

  /** An attempt may begin: it is whole, as much as is kept has come, or its client fell silent. */
  get mayBegin(): boolean {
    this.begun ||= this.received || this.held.crowded || (!this.isShort && this.bytes >= REPLAY_BYTES)
    return this.begun
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
    this.held.rewind()
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

  /** Reads it before an attempt begins, until that is enough; nothing follows once it is detached. */
  gather(gathering: Gathering): void {
    this.gathering = gathering
    this.watcher.onBodyMoving(true)
    if (this.asked) this.resume()
    else {
      this.asked = true
      this.downstream.startBody()
    }
  }

  /** The same until it is whole or as much as is kept has come. */
  gatherAll(done: () => void): void {
    this.gather({ enough: () => this.atHand !== 'unread', done, stop: () => {} })
  }

  /** Its client sends nothing for now, and an attempt need not wait for it any longer. */
  silent(): void {
    this.begun = true
    this.gathered()
  }

  /** What is kept of it, which has to come again by `onChunk`: it passes more stages before an attempt has it. */
  takeKept(): readonly Buffer[] {
    this.bytes = 0
    return this.held.letGo()
  }

  /** The current attempt is over or gone, or there will be none. */
  detach(): void {
    if (this.ticket === undefined && this.gathering === undefined) return
    this.countBlocked()
    this.blocked = false
    this.ticket = undefined
    this.held.rewind()
    this.gathering?.stop()
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
    if (this.keeping && !this.keeps(chunk.length)) this.forget()
    if (!this.keeping && this.ticket !== undefined && !this.blocked && this.held.given) {
      this.letGo()
      this.repeatable = false
      if (!this.ticket.write(chunk)) this.block()
      return
    }
    this.held.hold(chunk)
    if (this.keeping && this.held.crowded) this.forget()
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
    this.gathering?.stop()
    this.gathering = undefined
    this.ticket?.broken?.()
    this.keeping = false
    this.letGo()
  }

  private gathered(): void {
    const { gathering } = this
    if (gathering === undefined || !gathering.enough()) return
    gathering.stop()
    this.gathering = undefined
    this.watcher.onBodyMoving(false)
    this.pause()
    gathering.done()
  }

  /** Whether so many more bytes may be kept for another attempt. */
  private keeps(bytes: number): boolean {
    return this.held.bytes + bytes <= REPLAY_BYTES && this.held.count < REPLAY_PARTS
  }

  private forget(): void {
    this.keeping = false
    if (this.held.forgetGiven()) this.repeatable = false
  }

  private letGo(): void {
    if (this.held.letGo().length > 0) this.repeatable = false
  }

  private pump(): void {
    while (this.ticket !== undefined && !this.held.given) {
      if (!this.ticket.write(this.held.next() as Buffer)) {
        this.block()
        return
      }
    }
    if (!this.keeping) this.letGo()
    const { ticket } = this
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
