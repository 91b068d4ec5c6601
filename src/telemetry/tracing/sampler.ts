import type { Exchange } from '../../core/exchange.ts'
import type { SamplingConfig } from '../../core/seeing-config.ts'
import type { Random } from '../../lib/random.ts'
import { isSampled, newSpanId, RequestTrace } from './request-trace.ts'

/** Hex digits of a trace id that decide: its last 56 bits. */
const DIGITS = 14
const BITS = 4n * BigInt(DIGITS)
const RANDOM_FROM = 35 - DIGITS

/**
 * The rejection threshold of a probability, 14 hex digits: traces whose last 56 bits are below it are not sampled
 * (OpenTelemetry, "TraceState: Probability Sampling"). Every gateway and SDK with the same probability decides alike, and one
 * with a larger probability samples all that one with a smaller one does.
 */
export function thresholdOf(probability: number): string {
  const kept = BigInt(Math.round(probability * 2 ** 53)) << (BITS - 53n)
  return ((1n << BITS) - kept).toString(16).padStart(DIGITS, '0')
}

/** How many requests that are not sampled may be kept in a worker, over all generations of its config. */
export interface Held {
  count: number
  /** There was no room for one more. */
  full(): void
}

/**
 * Decides at a request's begin whether its spans are recorded: as its parent did where its word counts, else by the trace
 * id. A trace is so recorded whole or not at all.
 */
export class TraceSampler {
  private readonly config: SamplingConfig
  private readonly random: Random
  private readonly held: Held
  private readonly threshold: string
  /** For traces that begin here: lets backends extrapolate. */
  private readonly state: string

  constructor(config: SamplingConfig, random: Random, held: Held) {
    this.config = config
    this.random = random
    this.held = held
    this.threshold = thresholdOf(config.sample)
    this.state = `ot=th:${this.threshold.replace(/0+$/, '') || '0'}`
  }

  /** `continued`: the request came with a trace; its `traceparent` is there in any case. Sets `ex.trace`. */
  begin(ex: Exchange, continued: boolean): void {
    const { config, random } = this
    const { traceparent } = ex
    const decided = continued && (config.parents === 'any' || ex.trusted)
    const sampled = decided ? isSampled(traceparent) : this.draws(traceparent)
    if (!sampled) {
      if (continued && !decided && isSampled(traceparent)) ex.traceparent = `${traceparent.slice(0, 53)}00`
      if (config.errors === 'sampled') return
      if (this.held.count >= config.requests) {
        this.held.full()
        return
      }
      this.held.count++
      ex.trace = new RequestTrace(false, '', ex.traceparent, continued, random)
      return
    }
    const spanId = continued ? newSpanId(random) : traceparent.slice(36, 52)
    ex.trace = new RequestTrace(true, spanId, traceparent, continued, random)
    ex.traceparent = `00-${traceparent.slice(3, 35)}-${spanId}-${decided ? traceparent.slice(53, 55) : '01'}`
    if (!continued) ex.tracestate = this.state
  }

  /** Lower-case hex of the same length sorts as the numbers do. */
  private draws(traceparent: string): boolean {
    if (this.config.sample === 0) return false
    for (let i = 0; i < DIGITS; i++) {
      const difference = traceparent.charCodeAt(RANDOM_FROM + i) - this.threshold.charCodeAt(i)
      if (difference !== 0) return difference > 0
    }
    return true
  }
}
