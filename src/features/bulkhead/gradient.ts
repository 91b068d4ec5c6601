/** Bounds and behaviour of an adaptive limit. */
export interface GradientOptions {
  readonly min: number
  readonly max: number
  readonly initial: number
}

/** What is kept between two windows. */
export interface GradientState {
  readonly limit: number
  /** What answers usually take, milliseconds. */
  readonly usual: number
  /** Windows so far, as long as they are few. */
  readonly windows: number
}

/** Windows whose plain average is the first estimate of the usual time. */
const WARM_UP = 10
/** Then the estimate follows like an exponential average over this many windows. */
const LONG_WINDOWS = 3000
/** Requests that may queue in the upstream before that counts as overload; what makes the limit grow. */
const ALLOWANCE = 4
/** How much slower than usual answers may be before the limit falls. */
const TOLERANCE = 1.5
/** Share of a new limit that takes effect at once. */
const SMOOTHING = 0.2
/** The limit falls no faster than by half. */
const STEEPEST = 0.5
/** If answers are twice as fast as usual, the estimate follows faster. */
const FORGET = 0.95

/**
 * The next limit after a window in which answers took `took` milliseconds on average and at most `inFlight` requests were
 * in flight. As long as they take the usual time, the limit grows by a few; when they take longer, it falls in proportion.
 * An unused limit stays. Gradient2Limit of Netflix's concurrency-limits (2018), without its probing.
 */
export function nextGradient(
  { limit, usual, windows }: GradientState,
  took: number,
  inFlight: number,
  { min, max }: GradientOptions,
): GradientState {
  const long = longTerm(usual, windows, took)
  const state = { usual: long / took > 2 ? long * FORGET : long, windows: Math.min(windows + 1, WARM_UP) }
  if (inFlight < limit / 2) return { ...state, limit: clamp(limit, min, max) }
  const gradient = clamp((TOLERANCE * long) / took, STEEPEST, 1)
  const wanted = limit * gradient + ALLOWANCE
  return { ...state, limit: clamp(limit * (1 - SMOOTHING) + wanted * SMOOTHING, min, max) }
}

function longTerm(usual: number, windows: number, took: number): number {
  if (windows < WARM_UP) return (usual * windows + took) / (windows + 1)
  const share = 2 / (LONG_WINDOWS + 1)
  return usual * (1 - share) + took * share
}

function clamp(value: number, min: number, max: number): number {
  return Math.max(min, Math.min(max, value))
}
