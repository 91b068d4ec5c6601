import type { Exchange } from '../../core/exchange.ts'
import { type Failure, failure } from '../../core/failures.ts'
import type { SeenTunnel, TunnelLeave, TunnelSide, TunnelStage } from '../../core/tunnel.ts'
import { Due } from '../../lib/timers.ts'
import { Direction } from './direction.ts'
import { Pings } from './pings.ts'
import type { Watch } from './watch.ts'
import { GOING_AWAY, NO_CODE, TOO_BIG } from './wire/closes.ts'
import { CLOSING_MS, leavesIn } from './wire/closing.ts'
import { CLOSE, closeFrame, PONG } from './wire/frames.ts'
import type { ClosedFor } from './words.ts'

const NEVER = Number.POSITIVE_INFINITY

/** What stands in the place of a frame that does not pass. */
type InPlace = 'nothing' | 'close'

/**
 * Sees the frames of one WebSocket: counts them, and closes it where the route, or the end of the gateway, asks for that.
 * Bytes pass as they are. Between the frames of a side stand Pings of ours, and a Close, behind which nothing follows.
 *
 * A Close of ours goes to the client first. What a client sent before its answer still reaches the upstream, which gets its
 * Close in the place of the answer: no message of a client is lost.
 */
export class WebSocketStage extends Due implements TunnelStage {
  private readonly watch: Watch
  private readonly ex: Exchange
  private readonly up: Direction
  private readonly down: Direction
  private tunnel: SeenTunnel | undefined = undefined
  private readonly pings: Pings
  /** Who sent a Close first, and its code. */
  private closedBy: TunnelSide | 'sluice' | undefined = undefined
  private code = 0
  /** We are closing it. */
  private closing = false
  private failure: Failure | undefined = undefined
  // Clock milliseconds.
  private messageAt: number
  /** A drain or a reload has us close it then. */
  private leaveAt = NEVER
  private leaveFor: TunnelLeave = 'drain'
  /** Until when it has to be gone. */
  private goneAt = NEVER
  /** The upstream gets our Close, whether or not the client has answered. */
  private upstreamAt = NEVER
  private endAt = NEVER

  constructor(watch: Watch, ex: Exchange) {
    super()
    const now = watch.clock.now()
    this.watch = watch
    this.ex = ex
    this.up = new Direction('client', 'upstream', watch.fromClient, now, watch.ping)
    this.down = new Direction('upstream', 'client', watch.fromUpstream, now, watch.ping)
    this.pings = new Pings(watch)
    this.messageAt = now
  }

  start(tunnel: SeenTunnel): void {
    this.tunnel = tunnel
    this.arm()
  }

  push(from: TunnelSide, chunk: Buffer): Buffer | readonly Buffer[] | undefined {
    const way = this.wayOf(from)
    way.heardAt = this.watch.clock.now()
    way.asked = false
    const bytes = way.take(chunk)
    let out: Buffer[] | undefined
    /** What is behind it is not in `out` yet. */
    let begun = 0
    let at = this.payload(way, bytes, 0)
    while (way.atBoundary) {
      if (way.due !== 0) {
        out = pieces(out, bytes, begun, at)
        out.push(this.closeFor(way))
        if (way === this.down) this.waits(way.heardAt)
      }
      if (at === bytes.length) break
      const end = way.begin(bytes, at)
      if (end < 0) {
        way.keep(bytes, at)
        break
      }
      const instead = this.frame(way, bytes, end)
      if (instead !== undefined && !way.cut) {
        out = pieces(out, bytes, begun, at)
        begun = end
        if (instead === 'close') out.push(this.closeFor(way))
      }
      at = this.payload(way, bytes, end)
    }
    if (way.cut) return out
    return out === undefined && at === bytes.length ? bytes : pieces(out, bytes, begun, at)
  }

  closed(from: TunnelSide): void {
    const way = this.wayOf(from)
    const rest = way.rest()
    if (this.closing) this.sendClose(way)
    else if (rest !== undefined) this.tunnel?.inject(way.to, rest)
    way.ended = true
    if (this.closing && this.isDone) this.tunnel?.end(this.failure)
  }

  leave(why: TunnelLeave, ms: number): void {
    const { clock, random } = this.watch
    const now = clock.now()
    this.goneAt = Math.min(this.goneAt, now + ms)
    this.endAt = this.closing ? Math.min(this.endAt, this.goneAt) : NEVER
    const leaveAt = now + leavesIn(ms, random)
    if (leaveAt < this.leaveAt) {
      this.leaveAt = leaveAt
      this.leaveFor = why
    }
    this.fire()
  }

  over(): void {
    this.watch.timers.cancel(this)
    this.watch.closed(this.closedBy ?? this.tunnel?.facts.endedBy ?? 'sluice', this.code)
  }

  /** Does what is due by now. */
  fire(): void {
    const now = this.watch.clock.now()
    if (now >= Math.min(this.upstreamAt, this.endAt)) {
      this.upstreamAt = NEVER
      this.sendClose(this.up)
    }
    if (now >= this.endAt) {
      this.tunnel?.end(this.failure)
      return
    }
    if (!this.closing) {
      if (now >= this.leaveAt) this.close(GOING_AWAY, this.leaveFor)
      else if (now - this.messageAt >= this.watch.idle) this.close(GOING_AWAY, 'idle')
      else {
        if (now >= this.up.lookAt) this.look(this.up, this.down, now)
        if (now >= this.down.lookAt) this.look(this.down, this.up, now)
      }
    }
    this.arm()
  }

  private arm(): void {
    const { timers, idle } = this.watch
    const due = this.closing
      ? Math.min(this.upstreamAt, this.endAt)
      : Math.min(this.leaveAt, this.messageAt + idle, this.up.lookAt, this.down.lookAt)
    if (due !== NEVER) timers.scheduleAt(this, due)
  }

  private wayOf(from: TunnelSide): Direction {
    return from === 'client' ? this.up : this.down
  }

  /** Looks at the silence of the side that `way` comes from; `back` leads there. */
  private look(way: Direction, back: Direction, now: number): void {
    const { tunnel } = this
    if (this.closing || tunnel === undefined || !this.pings.unanswered(way, back, tunnel, now)) return
    const { from } = way
    const client = from === 'client'
    this.failure = { ...failure(client ? 'client_gone' : 'idle_timeout', 'upgrade', from), rule: 'no_pong' }
    this.close(GOING_AWAY, client ? 'client_silent' : 'upstream_silent')
  }

  /** Counts payload from `at` on; returns its end. */
  private payload(way: Direction, bytes: Buffer, at: number): number {
    const end = way.pass(bytes, at)
    if (end > at) {
      way.traffic.payload(way.kind, end - at)
      if (way.isData) this.messageAt = way.heardAt
    }
    return end
  }

  /** The frame whose head ends at `end`. undefined: it passes. */
  private frame(way: Direction, bytes: Buffer, end: number): InPlace | undefined {
    const { from, kind, length, opcode, traffic } = way
    if (opcode === PONG && this.pings.isAnswer(way, bytes, end)) return 'nothing'
    traffic.frame(kind)
    const facts = this.tunnel?.facts
    if (facts !== undefined) {
      if (from === 'client') facts.framesFromClient++
      else facts.framesFromUpstream++
    }
    if (way.isData) this.messageAt = way.heardAt
    else if (way.atBoundary) traffic.payload(kind, length)
    if (opcode === CLOSE) return this.heardClose(way, way.closeCode(bytes, end))
    const { maxFrame } = this.watch
    if (length <= maxFrame || this.closing || way.code !== 0) return undefined
    this.failure = failure(
      'body_too_large',
      'body',
      from,
      `Frames of WebSockets are limited to ${maxFrame} bytes here.`,
    )
    this.close(TOO_BIG, from === 'client' ? 'frame_from_client' : 'frame_from_upstream')
    return 'close'
  }

  private heardClose(way: Direction, code: number): InPlace | undefined {
    // 0 is no code, and ours for none.
    way.code = code === 0 ? NO_CODE : code
    const facts = this.tunnel?.facts
    if (facts !== undefined) {
      if (way.from === 'client') facts.codeFromClient = way.code
      else facts.codeFromUpstream = way.code
    }
    if (this.closedBy === undefined) this.isClosedBy(way.from, way.code)
    this.judgeEnd()
    return this.closedBy === 'sluice' ? 'close' : undefined
  }

  private close(code: number, why: ClosedFor): void {
    const now = this.watch.clock.now()
    this.closing = true
    this.waits(now)
    // The sides are closing it themselves: they have until then.
    if (this.closedBy !== undefined) {
      this.judgeEnd()
      return
    }
    this.isClosedBy('sluice', code)
    this.watch.note(this.ex, 'webSocketClosed', { code, why })
    this.sendClose(this.down)
    // A long frame on its way to the client may take all the time that there is.
    if (this.down.due !== 0 && this.goneAt !== NEVER) this.endAt = this.goneAt
    if (why === 'client_silent' || code === TOO_BIG) this.sendClose(this.up)
    this.arm()
  }

  /** Sides have until then to answer. */
  private waits(now: number): void {
    this.endAt = Math.min(now + CLOSING_MS, this.goneAt)
    this.upstreamAt = (now + this.endAt) / 2
    this.arm()
  }

  private isClosedBy(side: TunnelSide | 'sluice', code: number): void {
    this.closedBy = side
    this.code = code
    if (this.tunnel !== undefined) this.tunnel.facts.endedBy = side
  }

  /** Our Close goes now, or at the next boundary. */
  private sendClose(way: Direction): void {
    if (way.isClosed || this.closedBy !== 'sluice') return
    way.due = this.code
    if (way.atBoundary) this.tunnel?.inject(way.to, this.closeFor(way))
  }

  private closeFor(way: Direction): Buffer {
    way.due = 0
    way.cut = true
    return closeFrame(this.code, this.watch.maskTo(way.to))
  }

  private get isDone(): boolean {
    return this.up.isDone && this.down.isDone
  }

  private judgeEnd(): void {
    if (!this.closing || !this.isDone) return
    // Not in this turn: what it is called for has to be written first.
    this.endAt = this.watch.clock.now()
    this.arm()
  }
}

/** With the bytes from `from` to `to` behind them. */
function pieces(out: Buffer[] | undefined, bytes: Buffer, from: number, to: number): Buffer[] {
  const all = out ?? []
  if (to > from) all.push(bytes.subarray(from, to))
  return all
}
