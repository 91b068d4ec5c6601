import type { MeasuredLatency } from '../../core/balancer.ts'

/** Time in which an observation loses two thirds of its weight, milliseconds; Finagle's default. */
const DECAY_MS = 10_000

/**
 * A moving average of latency that jumps to every peak and decays slowly, also while nothing is observed, so that a slow
 * candidate gets another attempt after a while. Source: Twitter's Finagle, `PeakEwma.scala` (2015); also Linkerd's.
 */
export class PeakEwma implements MeasuredLatency {
  private cost = 0
  private at = 0

  /** An attempt took `ms` until the head of its answer. A failed attempt can only raise the average. */
  observe(ms: number, failed: boolean, now: number): void {
    const kept = this.kept(now)
    const known = this.cost * kept
    if (ms > known) this.cost = ms
    else this.cost = failed ? known : known + ms * (1 - kept)
    this.at = now
  }

  /** Milliseconds; 0: unknown. */
  value(now: number): number {
    return this.cost === 0 ? 0 : this.cost * this.kept(now)
  }

  /** Weight that the latest observation still has. */
  private kept(now: number): number {
    return Math.exp((this.at - now) / DECAY_MS)
  }
}
