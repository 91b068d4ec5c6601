import type { Duplex } from 'node:stream'
import { type Failure, failure } from '../../../core/failures.ts'
import type { HeldTunnel, TunnelBridge, TunnelLeave } from '../../../core/tunnel.ts'
import { type FlatHeaders, fieldValue } from '../../../lib/headers.ts'
import { Timer } from '../../../lib/timers.ts'
import { GOING_AWAY, isReplaced, SERVICE_RESTART, TOO_BIG } from './closes.ts'
import { type Broken, type Codec, FramedEnd, type FramedEndEvents, sentTooMuch } from './framed-end.ts'
import { HeldFrames } from './held-frames.ts'
import {
  type Loss,
  Reconnecting,
  type ReconnectingDeps,
  type ReconnectingEvents,
  type ReconnectingOwner,
  type ReconnectOptions,
} from './reconnecting.ts'

export interface SessionOptions {
  readonly reconnect: ReconnectOptions
  /** Bytes of messages that wait for an upstream, from which the client is not read. */
  readonly buffer: number
  /** Text messages that each replacement gets first. */
  readonly onReconnect: readonly string[]
  /** Bytes of a message. */
  readonly maxMessage: number
  /** Milliseconds, see `FramedEndOptions.ping`. */
  readonly ping: number | undefined
  /** Milliseconds without a message in either direction after which both sides are closed; undefined: as long as it lasts. */
  readonly idle: number | undefined
}

/** What a session tells of itself, for metrics and decisions. */
export interface SessionEvents extends ReconnectingEvents {
  onMessage(from: 'client' | 'upstream', bytes: number): void
  onOver(): void
}

interface Deps extends ReconnectingDeps {
  readonly codec: Codec
}

/** How long a side may take to answer a Close. */
const CLOSE_MS = 5000
/** Sides close spread over this share of the time that is given: the rest is for their answers. */
const SPREAD = 0.8

const BAD: Failure = failure('bad_response', 'upgrade', 'upstream')
const GONE: Failure = failure('client_gone', 'upgrade', 'client')

/**
 * A client's WebSocket whose upstream may be replaced. Messages go from side to side whole, as fast as the other side takes
 * them. While there is no upstream, those of the client wait in memory, and then in the client.
 */
export class Session implements TunnelBridge, FramedEndEvents, ReconnectingOwner {
  private readonly options: SessionOptions
  private readonly deps: Deps
  private readonly events: SessionEvents
  private readonly protocol: string | undefined
  private readonly held: HeldFrames
  private tunnel!: HeldTunnel
  private reconnecting!: Reconnecting
  private client!: FramedEnd
  /** undefined: it is being replaced, or the session closes. */
  private upstream: FramedEnd | undefined = undefined
  /** Its socket sends what is left. */
  private former: FramedEnd | undefined = undefined
  /** The Close of the client went to the upstream, whose answer is waited for. */
  private leaving: { readonly code: number; readonly reason: Buffer } | undefined = undefined
  /** A Close went to the client; what the tunnel ends as. */
  private closing: { readonly why: Failure | undefined } | undefined = undefined
  private ended = false
  private movedAt = 0
  private readonly closes: Timer
  private readonly idles: Timer
  private readonly leaves: Timer

  /** @param headers of the upstream's 101 */
  constructor(options: SessionOptions, headers: FlatHeaders, deps: Deps, events: SessionEvents) {
    this.options = options
    this.deps = deps
    this.events = events
    this.protocol = fieldValue(headers, 'sec-websocket-protocol')
    this.held = new HeldFrames(deps.codec.Sender, options.buffer)
    this.closes = new Timer(() => this.onUnanswered())
    this.idles = new Timer(() => this.onIdle())
    this.leaves = new Timer(() => this.closeBoth(GOING_AWAY, '', undefined))
  }

  join(tunnel: HeldTunnel, client: Duplex, upstream: Duplex): void {
    this.tunnel = tunnel
    const { options, protocol } = this
    this.movedAt = this.deps.clock.now()
    this.reconnecting = new Reconnecting(options.reconnect, protocol, tunnel, this.deps, this, this.events)
    this.client = this.framed('client', client)
    this.upstream = this.framed('upstream', upstream)
    if (options.idle !== undefined) this.deps.timers.schedule(this.idles, options.idle)
  }

  leave(_why: TunnelLeave, ms: number): void {
    const { random, timers } = this.deps
    if (!this.ended && this.closing === undefined && !this.leaves.scheduled)
      timers.schedule(this.leaves, random.float() * ms * SPREAD)
  }

  over(): void {
    this.ended = true
    const { timers } = this.deps
    for (const timer of [this.closes, this.idles, this.leaves]) timers.cancel(timer)
    this.reconnecting.stop()
    this.client.leave()
    this.upstream?.leave()
    this.former?.destroy()
    this.held.take()
    this.events.onOver()
  }

  // --- what the sides tell

  onBytes(peer: FramedEnd, bytes: number): void {
    const { facts } = this.tunnel
    if (peer === this.client) facts.fromClient += bytes
    else facts.fromUpstream += bytes
    this.tunnel.active()
  }

  onMessage(peer: FramedEnd, data: Buffer, binary: boolean): void {
    const { client, tunnel, upstream } = this
    this.movedAt = this.deps.clock.now()
    if (peer === client) tunnel.facts.framesFromClient++
    else tunnel.facts.framesFromUpstream++
    this.events.onMessage(peer === client ? 'client' : 'upstream', data.length)
    if (peer === upstream) {
      client.send(data, binary)
      if (client.full) upstream.pause()
    } else if (peer !== client || this.closing !== undefined) return
    else if (upstream !== undefined) {
      upstream.send(data, binary)
      if (upstream.full) client.pause()
    } else {
      this.held.add(data, binary)
      if (this.held.full) client.pause()
    }
  }

  onDrain(peer: FramedEnd): void {
    const { client, upstream } = this
    if (peer === client) upstream?.resume()
    else if (peer === upstream) client.resume()
  }

  onClose(peer: FramedEnd, code: number, reason: Buffer): void {
    const { facts } = this.tunnel
    if (peer === this.client) {
      facts.codeFromClient = code
      this.onClientClose(code, reason)
    } else if (peer === this.upstream) {
      facts.codeFromUpstream = code
      this.onUpstreamClose(peer, code, reason)
    }
  }

  onBroken(peer: FramedEnd, broken: Broken): void {
    if (peer === this.client) this.onClientBroken(broken)
    else if (peer === this.upstream) this.onUpstreamBroken(peer, broken)
  }

  // --- how it closes

  private onClientClose(code: number, reason: Buffer): void {
    if (this.closing !== undefined) {
      this.end(this.closing.why)
      return
    }
    this.tunnel.facts.endedBy = 'client'
    if (this.upstream === undefined) {
      this.reconnecting.stop()
      this.client.close(code, reason)
      this.end(undefined)
      return
    }
    this.leaving = { code, reason }
    this.upstream.close(code, reason)
    this.deps.timers.schedule(this.closes, CLOSE_MS)
  }

  private onUpstreamClose(upstream: FramedEnd, code: number, reason: Buffer): void {
    upstream.close(code)
    this.letGo(upstream)
    if (this.leaving !== undefined) {
      this.client.close(code, reason)
      this.end(undefined)
    } else if (isReplaced(code)) this.lost({ how: 'closed', code })
    else {
      this.tunnel.facts.endedBy = 'upstream'
      this.closeClient(code, reason, undefined)
    }
  }

  private onClientBroken(broken: Broken): void {
    const { closing, upstream } = this
    this.tunnel.facts.endedBy ??= 'client'
    if (broken.how === 'fault') {
      this.client.close(broken.code, broken.text.slice(0, 123))
      upstream?.close(sentTooMuch(broken) ? TOO_BIG : GOING_AWAY)
      this.end({ ...GONE, rule: 'websocket' })
    } else if (closing !== undefined) this.end(closing.why)
    else if (this.leaving !== undefined || broken.how === 'ended') this.end(undefined)
    else this.tunnel.reset(GONE)
  }

  private onUpstreamBroken(upstream: FramedEnd, broken: Broken): void {
    const { leaving } = this
    if (broken.how === 'fault') upstream.close(broken.code)
    this.letGo(upstream)
    if (leaving !== undefined) {
      this.client.close(leaving.code, leaving.reason)
      this.end(undefined)
    } else if (sentTooMuch(broken)) this.closeClient(TOO_BIG, 'a message of the upstream is too large', BAD)
    else this.lost({ how: broken.how, code: 0 })
  }

  private onIdle(): void {
    const { clock, timers } = this.deps
    const left = this.movedAt + (this.options.idle as number) - clock.now()
    if (left > 0) timers.schedule(this.idles, left)
    else this.closeBoth(GOING_AWAY, 'idle', undefined)
  }

  private closeBoth(code: number, reason: string, why: Failure | undefined): void {
    const { upstream } = this
    if (this.closing !== undefined || this.leaving !== undefined) return
    if (upstream === undefined) this.reconnecting.stop()
    else {
      upstream.close(code, reason)
      this.letGo(upstream)
    }
    this.closeClient(code, reason, why)
  }

  /** Its answer, or `CLOSE_MS`, ends the tunnel as `why`. */
  private closeClient(code: number, reason: Buffer | string, why: Failure | undefined): void {
    this.closing = { why }
    this.client.close(code, reason)
    this.client.resume()
    this.deps.timers.schedule(this.closes, CLOSE_MS)
  }

  private onUnanswered(): void {
    const { closing, leaving } = this
    if (leaving !== undefined) this.client.close(leaving.code, leaving.reason)
    this.end(closing?.why)
  }

  private end(why: Failure | undefined): void {
    if (!this.ended) this.tunnel.end(why)
  }

  // --- how the upstream is replaced

  private lost(loss: Loss): void {
    // It may have waited for the upstream that is gone.
    this.client.resume()
    this.reconnecting.begin(loss)
  }

  onReplacement(socket: Duplex): void {
    const { client } = this
    const upstream = this.framed('upstream', socket)
    this.upstream = upstream
    this.tunnel.facts.codeFromUpstream = 0
    for (const text of this.options.onReconnect) upstream.send(Buffer.from(text), false)
    upstream.write(this.held.take())
    if (upstream.full) client.pause()
    else client.resume()
    if (client.full) upstream.pause()
  }

  onNoReplacement(why: Failure): void {
    this.closeClient(SERVICE_RESTART, 'no upstream can be reached', why)
  }

  /** Its socket ends on its own, in bounded time. */
  private letGo(upstream: FramedEnd): void {
    this.upstream = undefined
    this.former?.destroy()
    this.former = upstream
    upstream.retire()
  }

  private framed(side: 'client' | 'upstream', socket: Duplex): FramedEnd {
    const { codec, timers } = this.deps
    const { maxMessage, ping } = this.options
    return new FramedEnd(codec, socket, { side, maxMessage, ping }, timers, this)
  }
}
