import type { Duplex } from 'node:stream'
import { type Failure, failure } from '../../core/failures.ts'
import type { Tunnel, TunnelFacts, TunnelLeave } from '../../core/tunnel.ts'
import { resetStream } from '../../lib/reset-stream.ts'
import { Timer, type TimerWheel } from '../../lib/timers.ts'

/** How long a side may take to close behind our FIN, milliseconds. */
export const CLOSE_MS = 1_000

const BUG: Failure = failure('internal', 'upgrade', 'sluice')

/** What a tunnel reports to the exchange that it belongs to. */
export interface TunnelOwner {
  readonly timers: TimerWheel
  /** A byte moved. */
  onMoved(): void
  /** Once. undefined: it ended as it should. */
  onOver(why: Failure | undefined): void
  /** What watches the tunnel threw; the tunnel ends itself. */
  bug(error: unknown): void
}

/** The two ends of a tunnel, and how they are brought to their end: exactly once, with nothing left open. */
export abstract class TunnelEnds implements Tunnel {
  readonly facts: TunnelFacts
  protected readonly owner: TunnelOwner
  protected readonly client: Duplex
  protected upstream: Duplex
  /** Both sides have been told that nothing follows, and what they send is dropped. */
  protected ending = false
  protected isOver = false
  private why: Failure | undefined = undefined
  private timer: Timer | undefined = undefined

  constructor(owner: TunnelOwner, facts: TunnelFacts, client: Duplex, upstream: Duplex) {
    this.owner = owner
    this.facts = facts
    this.client = client
    this.upstream = upstream
    this.listen(client)
    this.listen(upstream)
  }

  /** The client does not take what comes for it. */
  get clientBlocked(): boolean {
    return this.client.writableNeedDrain
  }

  /** Nothing is left of either end. */
  get gone(): boolean {
    return this.client.destroyed && this.upstream.destroyed
  }

  end(why: Failure | undefined): void {
    if (this.isOver || this.ending) return
    this.ending = true
    this.why = why
    this.facts.endedBy ??= 'sluice'
    this.timer = new Timer(() => this.finish())
    this.owner.timers.schedule(this.timer, CLOSE_MS)
    for (const side of [this.client, this.upstream]) {
      side.end()
      side.resume()
    }
    this.look()
  }

  reset(why: Failure): void {
    if (this.isOver) return
    this.why = why
    this.facts.endedBy ??= 'sluice'
    resetStream(this.client)
    resetStream(this.upstream)
    this.finish()
  }

  /** Both ends are gone in order, or no time is left for that: nothing of them remains. */
  protected finish(): void {
    if (this.isOver) return
    this.stop()
    this.owner.onOver(this.why)
  }

  /** Ends it without telling the owner, which has ended. */
  stop(): void {
    if (this.isOver) return
    this.isOver = true
    if (this.timer !== undefined) this.owner.timers.cancel(this.timer)
    this.client.destroy()
    this.upstream.destroy()
    try {
      this.leaveStage()
    } catch (error) {
      this.owner.bug(error)
    }
  }

  /** What watches it is told that it should end within `ms`. */
  abstract leave(why: TunnelLeave, ms: number): void

  /** What watches it is told that it is over. */
  protected abstract leaveStage(): void

  /** An end has closed while the tunnel was not being ended. */
  protected abstract closed(side: Duplex): void

  /** To be called for each end that comes in. */
  protected listen(side: Duplex): void {
    // The close that follows says all.
    side.on('error', ignore)
    side.on('close', () => {
      if (this.isOver) return
      if (this.ending) this.look()
      else this.closed(side)
    })
  }

  /** Calls what watches the tunnel. */
  protected watched(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.threw(error)
    }
  }

  /** What watches it threw: it is not safe to go on. */
  protected threw(error: unknown): void {
    this.owner.bug(error)
    this.reset(BUG)
  }

  private look(): void {
    if (this.client.closed && this.upstream.closed) this.finish()
  }
}

function ignore(): void {}
