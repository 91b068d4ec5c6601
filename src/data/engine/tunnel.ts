import type { Duplex } from 'node:stream'
import { type Failure, failure } from '../../core/failures.ts'
import type { SeenTunnel, TunnelFacts, TunnelLeave, TunnelSide, TunnelStage } from '../../core/tunnel.ts'
import { TunnelEnds, type TunnelOwner } from './tunnel-ends.ts'
import { TunnelWriter } from './tunnel-writer.ts'

const CLIENT_BROKE: Failure = failure('client_gone', 'upgrade', 'client')
const UPSTREAM_BROKE: Failure = {
  ...failure('response_incomplete', 'upgrade', 'upstream'),
  detail: 'The upstream broke the connection.',
}

/**
 * Joins the two ends of a tunnel: bytes go on as they come, as fast as the other side takes them; a side that closes its
 * direction closes it for the other; a side that breaks breaks the other, by a reset where it has one.
 */
export class JoinedTunnel extends TunnelEnds implements SeenTunnel {
  private readonly stage: TunnelStage | undefined
  private readonly toClient: TunnelWriter
  private readonly toUpstream: TunnelWriter

  /** Both ends are paused. */
  constructor(
    owner: TunnelOwner,
    facts: TunnelFacts,
    stage: TunnelStage | undefined,
    client: Duplex,
    upstream: Duplex,
  ) {
    super(owner, facts, client, upstream)
    this.stage = stage
    this.toClient = new TunnelWriter(client, () => upstream.resume())
    this.toUpstream = new TunnelWriter(upstream, () => client.resume())
  }

  start(): void {
    const { client, stage, upstream } = this
    if (stage !== undefined) this.watched(() => stage.start(this))
    if (this.isOver || this.ending) return
    client.on('data', (chunk: Buffer) => {
      if (this.ending) return
      this.facts.fromClient += chunk.length
      this.pass('client', chunk, client, this.toUpstream)
    })
    upstream.on('data', (chunk: Buffer) => {
      if (this.ending) return
      this.facts.fromUpstream += chunk.length
      this.pass('upstream', chunk, upstream, this.toClient)
    })
    client.on('end', () => this.ended('client', upstream))
    upstream.on('end', () => this.ended('upstream', client))
    client.resume()
    upstream.resume()
    // It broke before it was listened to.
    if (client.destroyed) this.closed(client)
    else if (upstream.destroyed) this.closed(upstream)
  }

  get blocked(): boolean {
    return this.toClient.full || this.toUpstream.full
  }

  override get clientBlocked(): boolean {
    return this.toClient.full
  }

  inject(to: TunnelSide, bytes: Buffer): void {
    if (this.isOver || this.ending) return
    if (to === 'client') {
      if (this.client.writable) this.toClient.write(bytes)
    } else if (this.upstream.writable) this.toUpstream.write(bytes)
  }

  leave(why: TunnelLeave, ms: number): void {
    const { stage } = this
    if (stage !== undefined && !this.isOver && !this.ending) this.watched(() => stage.leave(why, ms))
  }

  private pass(from: TunnelSide, chunk: Buffer, source: Duplex, sink: TunnelWriter): void {
    this.owner.onMoved()
    const { stage } = this
    if (stage === undefined) {
      sink.write(chunk)
      if (sink.full) source.pause()
      return
    }
    let out: ReturnType<TunnelStage['push']>
    try {
      out = stage.push(from, chunk)
    } catch (error) {
      this.threw(error)
      return
    }
    if (out === undefined || this.isOver || this.ending) return
    if (Buffer.isBuffer(out)) sink.write(out)
    else for (const part of out) sink.write(part)
    if (sink.full) source.pause()
  }

  /** Nothing more comes from this side. */
  private ended(from: TunnelSide, sink: Duplex): void {
    const { stage } = this
    if (this.isOver || this.ending) return
    this.facts.endedBy ??= from
    if (stage !== undefined) this.watched(() => stage.closed(from))
    if (!this.isOver) sink.end()
  }

  protected closed(side: Duplex): void {
    const { client, facts, upstream } = this
    const other = side === client ? upstream : client
    if (side.readableEnded && (side.writableFinished || side.errored !== null)) {
      // It had closed its direction. Whether it took all that was left for it, only its protocol can tell.
      if (other.closed) this.finish()
      else if (!side.writableFinished) this.end(undefined)
      return
    }
    facts.endedBy = side === client ? 'client' : 'upstream'
    this.reset(side === client ? CLIENT_BROKE : UPSTREAM_BROKE)
  }

  protected leaveStage(): void {
    this.stage?.over()
  }
}
