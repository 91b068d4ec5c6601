import type { Duplex } from 'node:stream'
import type { Failure } from '../../../core/failures.ts'
import type { HeldTunnel, TunnelBridge, TunnelLeave, TunnelSide } from '../../../core/tunnel.ts'
import { fieldValue } from '../../../lib/headers.ts'
import { GOING_AWAY, isReplaced, LONGEST_REASON, SERVICE_RESTART, TOO_BIG } from '../wire/closes.ts'
import { CloseTimes } from './close-times.ts'
import type { FirstUpstream, SessionClose, SessionEvents, SessionOptions } from './contract.ts'
import { BAD_FRAMES, GONE, SILENT, tooLarge } from './ends.ts'
import { type Broken, type Codec, FramedEnd, type FramedEndEvents, type FrameFault } from './framed-end.ts'
import { HeldFrames } from './held-frames.ts'
import { Idle } from './idle.ts'
import { type Loss, Reconnecting, type ReconnectingDeps, type ReconnectingOwner } from './reconnecting.ts'

interface Deps extends ReconnectingDeps {
  readonly codec: Codec
}

/**
 * A client's WebSocket whose upstream may be replaced. Messages go from side to side whole, as fast as the other side takes
 * them. While there is no upstream, those of the client wait in memory, and then in the client.
 */
export class Session implements TunnelBridge, FramedEndEvents, ReconnectingOwner {
  private readonly options: SessionOptions
  private readonly deps: Deps
  private readonly events: SessionEvents
  private readonly held: HeldFrames
  private tunnel!: HeldTunnel
  private readonly reconnecting: Reconnecting
  private client!: FramedEnd
  /** undefined: it is being replaced, or the session closes. */
  private upstream: FramedEnd | undefined = undefined
  /** Its socket sends what is left. */
  private former: FramedEnd | undefined = undefined
  /** The Close of the client went to the upstream, whose answer is waited for. */
  private leaving: { readonly code: number; readonly reason: Buffer } | undefined = undefined
  /** A Close went to the client, which is to answer; `why`: what the tunnel ends as. */
  private closing: { readonly code: number; readonly why: Failure | undefined } | undefined = undefined
  /** Who sent the Close that ends it. */
  private first: { readonly by: TunnelSide | 'sluice'; readonly code: number } | undefined = undefined
  private ended = false
  private readonly idle: Idle
  private readonly times: CloseTimes

  /** @param first the upstream's 101 */
  constructor(options: SessionOptions, first: FirstUpstream, deps: Deps, events: SessionEvents) {
    this.options = options
    this.deps = deps
    this.events = events
    const protocol = fieldValue(first.headers, 'sec-websocket-protocol')
    this.reconnecting = new Reconnecting(options.reconnect, protocol, first.endpoint, deps, this, events)
    this.held = new HeldFrames(deps.codec.Sender, options.buffer)
    this.idle = new Idle(options.idle, deps.clock, deps.timers, () => this.close(GOING_AWAY, 'idle', undefined))
    const leave = (why: TunnelLeave): void => this.close(GOING_AWAY, why, undefined)
    this.times = new CloseTimes(deps, leave, () => this.onUnanswered())
  }

  join(tunnel: HeldTunnel, client: Duplex, upstream: Duplex): void {
    this.tunnel = tunnel
    this.client = this.framed('client', client)
    this.upstream = this.framed('upstream', upstream)
    this.idle.start()
    this.client.look()
    this.upstream?.look()
  }

  leave(why: TunnelLeave, ms: number): void {
    if (this.ended) return
    this.times.within(why, ms)
    if (this.closing !== undefined) this.waits()
  }

  over(): void {
    this.ended = true
    this.deps.timers.cancel(this.idle)
    this.times.stop()
    this.reconnecting.stop()
    this.client.leave()
    this.upstream?.leave()
    this.former?.destroy()
    this.held.take()
    const { by = this.tunnel.facts.endedBy ?? 'sluice', code = 0 } = this.first ?? {}
    this.events.onOver(by, code)
  }

  // --- what the sides tell

  onPinged(end: FramedEnd): void {
    this.events.onPinged(end === this.client ? 'client' : 'upstream')
  }

  onBytes(end: FramedEnd, bytes: number): void {
    const { facts } = this.tunnel
    if (end === this.client) facts.fromClient += bytes
    else facts.fromUpstream += bytes
    this.tunnel.active()
  }

  onMessage(end: FramedEnd, data: Buffer, binary: boolean): void {
    const { client, tunnel, upstream } = this
    this.idle.moved()
    if (end === client) tunnel.facts.framesFromClient++
    else tunnel.facts.framesFromUpstream++
    this.events.onMessage(end === client ? 'client' : 'upstream', data.length, binary)
    if (end === upstream) {
      client.send(data, binary)
      if (client.full) upstream.pause()
    } else if (end !== client) return
    else if (upstream !== undefined) {
      upstream.send(data, binary)
      if (upstream.full) client.pause()
    } else if (this.closing === undefined) {
      this.held.add(data, binary)
      if (this.held.full) client.pause()
    }
  }

  onDrain(end: FramedEnd): void {
    const { client, upstream } = this
    this.tunnel.active()
    if (end === client && this.closing !== undefined && !this.ended) this.waits()
    if (end === client) upstream?.resume()
    else if (end === upstream) client.resume()
  }

  onClose(end: FramedEnd, code: number, reason: Buffer): void {
    const { facts } = this.tunnel
    if (end === this.client) {
      facts.codeFromClient = code
      this.onClientClose(code, reason)
    } else if (end === this.upstream) {
      facts.codeFromUpstream = code
      this.onUpstreamClose(end, code, reason)
    }
  }

  onBroken(end: FramedEnd, broken: Broken): void {
    if (end === this.client) this.onClientBroken(broken)
    else if (end === this.upstream) this.onUpstreamBroken(end, broken)
  }

  // --- how it closes

  private onClientClose(code: number, reason: Buffer): void {
    const { client, closing, upstream } = this
    if (closing !== undefined) {
      upstream?.close(closing.code)
      this.end(closing.why)
      return
    }
    this.endsBy('client', code)
    if (upstream === undefined) {
      client.close(code, reason)
      this.end(undefined)
      return
    }
    this.leaving = { code, reason }
    upstream.close(code, reason)
    this.times.wait(false, false)
  }

  private onUpstreamClose(upstream: FramedEnd, code: number, reason: Buffer): void {
    upstream.close(code)
    this.letGo(upstream)
    if (this.leaving !== undefined) {
      this.client.close(code, reason)
      this.end(undefined)
    } else if (this.closing !== undefined) return
    else if (isReplaced(code)) this.lost({ how: 'closed', code })
    else {
      this.endsBy('upstream', code)
      this.closeClient(code, reason, undefined)
    }
  }

  private onClientBroken(broken: Broken): void {
    const { closing, leaving, upstream } = this
    if (broken.how === 'fault') this.onClientFault(broken)
    else if (closing !== undefined || leaving !== undefined) this.end(closing?.why)
    else if (broken.how === 'silent') {
      this.close(GOING_AWAY, 'client_silent', SILENT)
      upstream?.close(GOING_AWAY)
      this.end(SILENT)
    } else {
      this.tunnel.facts.endedBy = 'client'
      if (broken.how === 'ended') this.end(undefined)
      else this.tunnel.reset(GONE)
    }
  }

  private onClientFault({ code, text }: FrameFault): void {
    const { client, closing, upstream } = this
    const tooMuch = code === TOO_BIG
    if (closing === undefined) {
      this.endsBy('sluice', code)
      this.events.onClosing(code, tooMuch ? 'message_from_client' : 'client_fault')
    }
    client.close(code, text.slice(0, LONGEST_REASON))
    upstream?.close(tooMuch ? TOO_BIG : GOING_AWAY)
    this.end(closing?.why ?? (tooMuch ? tooLarge('client', this.options.maxMessage) : BAD_FRAMES))
  }

  private onUpstreamBroken(upstream: FramedEnd, broken: Broken): void {
    const { client, closing, leaving } = this
    if (broken.how === 'fault') upstream.close(broken.code)
    this.letGo(upstream)
    if (leaving !== undefined) {
      client.close(leaving.code, leaving.reason)
      this.end(undefined)
    } else if (closing !== undefined) return
    else if (broken.how === 'fault' && broken.code === TOO_BIG)
      this.close(TOO_BIG, 'message_from_upstream', tooLarge('upstream', this.options.maxMessage))
    else this.lost({ how: broken.how, code: 0 })
  }

  /** A Close of ours goes to the client. What it sent before its answer still reaches the upstream, which gets its Close then. */
  private close(code: number, told: SessionClose, why: Failure | undefined): void {
    if (this.closing !== undefined || this.leaving !== undefined) return
    this.endsBy('sluice', code)
    this.events.onClosing(code, told)
    this.closeClient(code, told === 'no_upstream' ? 'no upstream can be reached' : '', why)
  }

  private closeClient(code: number, reason: Buffer | string, why: Failure | undefined): void {
    this.closing = { code, why }
    this.reconnecting.stop()
    this.client.close(code, reason)
    this.client.resume()
    this.waits()
  }

  /** Our Close is on its way to the client. */
  private waits(): void {
    this.times.wait(this.client.full, this.upstream?.closeSent === false)
  }

  /** A side has not answered a Close in time. */
  private onUnanswered(): void {
    const { client, closing, leaving, upstream } = this
    if (leaving !== undefined) client.close(leaving.code, leaving.reason)
    else if (closing !== undefined && upstream !== undefined && !upstream.closeSent) {
      upstream.close(closing.code)
      this.times.waitOn()
      return
    }
    this.end(closing?.why)
  }

  private endsBy(by: TunnelSide | 'sluice', code: number): void {
    this.tunnel.facts.endedBy = by
    this.first = { by, code }
    this.reconnecting.stop()
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
    this.tunnel.replaced(socket)
    const upstream = this.framed('upstream', socket)
    this.upstream = upstream
    this.tunnel.facts.codeFromUpstream = 0
    for (const text of this.options.onReconnect) upstream.send(Buffer.from(text), false)
    upstream.write(this.held.take())
    if (upstream.full) client.pause()
    else client.resume()
    if (client.full) upstream.pause()
    upstream.look()
  }

  onNoReplacement(why: Failure): void {
    this.close(SERVICE_RESTART, 'no_upstream', why)
  }

  /** Its socket ends on its own, in bounded time. */
  private letGo(upstream: FramedEnd): void {
    this.upstream = undefined
    this.former?.destroy()
    this.former = upstream
    upstream.retire()
  }

  private framed(side: 'client' | 'upstream', socket: Duplex): FramedEnd {
    const { maxMessage, ping } = this.options
    return new FramedEnd(this.deps.codec, socket, { side, maxMessage, ping }, this.deps.timers, this)
  }
}
