import type { Exchange } from '../../core/exchange.ts'
import type { SamplingConfig } from '../../core/seeing-config.ts'
import type { Random } from '../../lib/random.ts'
import { ConsistentSampler } from '../../lib/sampling.ts'
import { isSampled, newSpanId, RequestTrace } from './request-trace.ts'

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
  private readonly share: ConsistentSampler
  /** For traces that begin here: lets backends extrapolate. */
  private readonly state: string

  constructor(config: SamplingConfig, random: Random, held: Held) {
    this.config = config
    this.random = random
    this.held = held
    this.share = new ConsistentSampler(config.sample)
    this.state = this.share.tracestate
  }

  /** `continued`: the request came with a trace; its `traceparent` is there in any case. Sets `ex.trace`. */
  begin(ex: Exchange, continued: boolean): void {
    const { config, random } = this
    const { traceparent } = ex
    const decided = continued && (config.parents === 'any' || ex.trusted)
    const sampled = decided ? isSampled(traceparent) : this.share.chooses(traceparent)
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
}
