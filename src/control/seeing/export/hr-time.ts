/** Milliseconds as OpenTelemetry has times: seconds, and nanoseconds of the next one. */
export function timeOf(ms: number): [number, number] {
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)]
}
