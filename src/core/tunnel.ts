import type { Duplex } from 'node:stream'
import type { Exchange } from './exchange.ts'
import type { Failure } from './failures.ts'

/** One of the two ends of a tunnel. */
export type TunnelSide = 'client' | 'upstream'

/** Why a tunnel should end soon: the gateway, or its worker, ends; the route has changed or is gone. */
export type TunnelLeave = 'drain' | 'reload'

/** `by`: clock milliseconds at which it should have ended. */
export interface TunnelNotice {
  readonly why: TunnelLeave
  readonly by: number
}

/** What is known of a tunnel, for log, flights and metrics. Fixed shape: `Exchange.tunnel` from the upstream's 101 on. */
export class TunnelFacts {
  /** Name of the protocol, lower-case. */
  readonly protocol: string
  /** Bytes that came from the client, and from the upstream. */
  fromClient = 0
  fromUpstream = 0
  /** Who ended it: closed its side first, broke it, or had it ended. undefined: it is open. */
  endedBy: TunnelSide | 'sluice' | undefined = undefined
  /** Written by a stage that knows the protocol: frames that came from either side. */
  framesFromClient = 0
  framesFromUpstream = 0
  /** The same: the code with which either side closed, as WebSocket has it (1005: without one). 0: it sent none. */
  codeFromClient = 0
  codeFromUpstream = 0

  constructor(protocol: string) {
    this.protocol = protocol
  }
}

/** What may be done with a tunnel. Once it is over, every call does nothing. */
export interface Tunnel {
  readonly facts: TunnelFacts
  /**
   * Ends it in order: each side gets what was written to it, then FIN; a side that has not closed a second later is cut, and
   * what it still sends is dropped. undefined: as it should be; else the failure that the exchange ends with.
   */
  end(why: Failure | undefined): void
  /** Ends it at once: both sides are reset. */
  reset(why: Failure): void
}

/** A tunnel whose bytes a stage sees. */
export interface SeenTunnel extends Tunnel {
  /**
   * Writes to one side, behind all that was passed on to it: at once, whether it takes it or not. The stage knows where the
   * protocol has a boundary, and keeps what it writes so small that it needs no backpressure.
   */
  inject(to: TunnelSide, bytes: Buffer): void
  /** Bytes wait for a side that does not take them, so that the other one is not read: its silence says nothing. */
  readonly blocked: boolean
}

/**
 * Sees the bytes of a tunnel in both directions, in their order, and writes between them where its protocol lets it. It never
 * holds bytes back without a bound: backpressure is kept around it. Its timers are its own. What it throws ends the tunnel as
 * `internal`.
 */
export interface TunnelStage {
  /** Once, behind the 101 to the client and before the first byte. */
  start(tunnel: SeenTunnel): void
  /**
   * From one side. Returns what goes to the other: the chunk itself, another one, several (with what it writes between them),
   * or none (held back, or dropped).
   */
  push(from: TunnelSide, chunk: Buffer): Buffer | readonly Buffer[] | undefined
  /** Nothing more comes from this side, and the other gets a FIN behind what was passed on. It may still be written to. */
  closed(from: TunnelSide): void
  /**
   * It should end within `ms`: the stage ends it in the way of its protocol, at a moment that it draws, so that clients do not
   * come back all at once. What is left then gets a FIN on both sides.
   */
  leave(why: TunnelLeave, ms: number): void
  /** The tunnel has ended, in whatever way: `facts.endedBy` says by whom. Timers must be gone. Nothing follows. */
  over(): void
}

/** A tunnel whose ends a bridge joins. */
export interface HeldTunnel extends Tunnel {
  /** Another upstream end, see `Services.connect`, is in the place of the one before, which the bridge has ended. */
  replaced(upstream: Duplex): void
  /** A byte moved, for the time limits. */
  active(): void
}

/** Has both ends for itself, in the place of a stage: for a protocol that it speaks with both sides. */
export interface TunnelBridge {
  /**
   * Once, behind the 101 to the client: both ends are paused and have no listeners but for errors. The bridge reads, writes and
   * counts bytes in `facts`; it must call `end` or `reset`, which end the client's end and the latest upstream end.
   */
  join(tunnel: HeldTunnel, client: Duplex, upstream: Duplex): void
  /** See {@link TunnelStage}. */
  leave(why: TunnelLeave, ms: number): void
  over(): void
}

/** Tells a bridge from a stage. */
export function isBridge(one: TunnelStage | TunnelBridge): one is TunnelBridge {
  return 'join' in one
}

/** Bytes that came from the client behind the head of its request. */
export function bytesIn({ downstream, tunnel }: Exchange): number {
  return downstream.bytesIn + (tunnel?.fromClient ?? 0)
}

/** Bytes that went to the client behind the head of its answer. */
export function bytesOut({ downstream, tunnel }: Exchange): number {
  return downstream.bytesOut + (tunnel?.fromUpstream ?? 0)
}
