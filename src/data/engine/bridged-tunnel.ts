import type { Duplex } from 'node:stream'
import type { HeldTunnel, TunnelBridge, TunnelFacts, TunnelLeave } from '../../core/tunnel.ts'
import { TunnelEnds, type TunnelOwner } from './tunnel-ends.ts'

/** Is told besides that an upstream end has closed, in order or not. */
export interface BridgeOwner extends TunnelOwner {
  onUpstreamClosed(inOrder: boolean): void
}

/** A tunnel whose ends a bridge has for itself: it reads, writes and replaces them, and says when it is over. */
export class BridgedTunnel extends TunnelEnds implements HeldTunnel {
  private readonly bridge: TunnelBridge
  private readonly ends: BridgeOwner

  /** Both ends are paused. */
  constructor(owner: BridgeOwner, facts: TunnelFacts, bridge: TunnelBridge, client: Duplex, upstream: Duplex) {
    super(owner, facts, client, upstream)
    this.ends = owner
    this.bridge = bridge
  }

  start(): void {
    this.watched(() => this.bridge.join(this, this.client, this.upstream))
  }

  replaced(upstream: Duplex): void {
    if (this.isOver || this.ending) {
      upstream.destroy()
      return
    }
    this.upstream = upstream
    this.listen(upstream)
  }

  active(): void {
    this.owner.onMoved()
  }

  leave(why: TunnelLeave, ms: number): void {
    if (!this.isOver && !this.ending) this.watched(() => this.bridge.leave(why, ms))
  }

  /** The bridge hears of it itself, and decides what follows. */
  protected closed(side: Duplex): void {
    if (side !== this.client) this.ends.onUpstreamClosed(side.errored === null)
  }

  protected leaveStage(): void {
    this.bridge.over()
  }
}
