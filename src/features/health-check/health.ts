export interface HealthThresholds {
  /** Good checks in a row that bring an endpoint back. */
  readonly healthyAfter: number
  /** Failed checks in a row that take it out. */
  readonly unhealthyAfter: number
}

/** Shortest time between two repeated checks in case of doubt, milliseconds. */
const MIN_DOUBT_MS = 100

/**
 * Whether an endpoint is healthy, from the checks it passed and failed: a change of state takes several checks in a row
 * (`rise` and `fall` of HAProxy). A new endpoint counts as healthy, and its first check decides alone (as in Envoy), since
 * nothing else is known.
 */
export class HealthVerdict {
  healthy = true
  /** Checks in a row that brought it into this state. */
  decided = 0
  private checked = false
  /** Checks in a row that contradict the state. */
  private against = 0

  /** Takes the result of a check; true: the state has changed. */
  record(good: boolean, { healthyAfter, unhealthyAfter }: HealthThresholds): boolean {
    const first = !this.checked
    this.checked = true
    if (good === this.healthy) {
      this.against = 0
      return false
    }
    this.against++
    if (!first && this.against < (good ? healthyAfter : unhealthyAfter)) return false
    this.healthy = good
    this.decided = this.against
    this.against = 0
    return true
  }

  /**
   * Until the next check, milliseconds: the interval ±10 %, so that checks of many gateways do not coincide; a fifth of it
   * while the last check contradicts the state (`fastinter` of HAProxy). `random`: in [0, 1).
   */
  nextAfter(interval: number, random: number): number {
    const base = this.against > 0 ? Math.min(interval, Math.max(MIN_DOUBT_MS, interval / 5)) : interval
    return base * (0.9 + 0.2 * random)
  }
}
