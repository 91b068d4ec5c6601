/** Hex digits of a trace ID that decide: its last 56 bits, which are random in every one (W3C Trace Context Level 2). */
const DIGITS = 14
const BITS = 4n * BigInt(DIGITS)
/** The first of them in `00-<trace ID>-…`. */
const RANDOM_FROM = 35 - DIGITS

/**
 * The rejection threshold of a probability, 14 hex digits: traces whose last 56 bits are below it are not sampled
 * (OpenTelemetry, "TraceState: Probability Sampling").
 */
export function thresholdOf(probability: number): string {
  const kept = BigInt(Math.round(probability * 2 ** 53)) << (BITS - 53n)
  return ((1n << BITS) - kept).toString(16).padStart(DIGITS, '0')
}

/**
 * Chooses a share of all traces by their IDs, so that a trace is chosen by all or by none: every gateway and SDK with the
 * same probability decides alike, and one with a larger probability chooses all that one with a smaller one does.
 */
export class ConsistentSampler {
  private readonly none: boolean
  private readonly threshold: string

  /** `probability`: from 0 to 1. */
  constructor(probability: number) {
    this.none = probability === 0
    this.threshold = thresholdOf(probability)
  }

  /** Lower-case hex of the same length sorts as the numbers do. */
  chooses(traceparent: string): boolean {
    if (this.none) return false
    for (let i = 0; i < DIGITS; i++) {
      const difference = traceparent.charCodeAt(RANDOM_FROM + i) - this.threshold.charCodeAt(i)
      if (difference !== 0) return difference > 0
    }
    return true
  }

  /** The entry of `tracestate` with the threshold, so that backends can extrapolate. */
  get tracestate(): string {
    return `ot=th:${this.threshold.replace(/0+$/, '') || '0'}`
  }
}
