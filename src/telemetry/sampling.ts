const RANGE = 2 ** 32
/** Of `00-<trace ID>-…`: the first 32 of the 56 bits that are random in every trace ID. */
const FROM = 21
const TO = 29

/**
 * What the {@link traceShare} of a trace must reach for a share of the traces to be chosen; 0: all are.
 *
 * @param sample from 0 to 1
 */
export function sampleThreshold(sample: number): number {
  return Math.round((1 - sample) * RANGE)
}

/**
 * Where a trace stands among all traces, from 0 to 2^32 - 1: the same wherever it is asked for, so that a trace is chosen by
 * all or by none. Source: OpenTelemetry, "TraceState: Probability Sampling" (the rejection threshold, and the rightmost 56
 * bits of the trace ID as its randomness).
 */
export function traceShare(traceparent: string): number {
  let value = 0
  for (let i = FROM; i < TO; i++) {
    const code = traceparent.charCodeAt(i)
    value = value * 16 + (code < 58 ? code - 48 : code - 87)
  }
  return value
}
