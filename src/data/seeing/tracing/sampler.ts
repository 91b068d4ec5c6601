import type { Exchange } from '../../../core/exchange.ts'
import type { SamplingConfig } from '../../../core/seeing-config.ts'
import type { Random } from '../../../lib/random.ts'
import { ConsistentSampler } from '../../../lib/sampling.ts'
import { isSampled, keptFlags, newSpanId, RequestTrace } from './request-trace.ts'

/** Unsampled requests that a worker may keep, over all generations of its config. */
export interface Held {
  count: number
  /** There was no room for one more. */
  full(): void
}

/**
 * Decides at the start of a request whether its spans are recorded: as its parent decided if the parent is trusted, else by
 * the trace ID. A trace is thus recorded whole or not at all.
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

  /** Of a request that is made for another one: its spans stand below those of that one, if that has any. */
  beginBelow(ex: Exchange, parent: Exchange): void {
    if (parent.trace?.sampled !== true) return
    const { random } = this
    const { traceparent } = parent
    const spanId = newSpanId(random)
    ex.trace = new RequestTrace(true, spanId, traceparent, true, random)
    ex.traceparent = `00-${traceparent.slice(3, 35)}-${spanId}-${traceparent.slice(53)}`
  }

  /**
   * Sets `ex.trace`, and `ex.traceparent` to what upstreams get: in our version, without unknown flags (W3C Trace Context
   * Level 2, sections 3.2.2.5 and 3.2.4).
   */
  begin(ex: Exchange): void {
    const { config, random } = this
    const { continued, traceparent } = ex
    const kept = keptFlags(traceparent)
    const decided = continued && (config.parents === 'any' || ex.trusted)
    const sampled = decided ? isSampled(traceparent) : this.share.chooses(traceparent)
    if (!sampled) {
      if (continued) ex.traceparent = `00-${traceparent.slice(3, 53)}0${kept}`
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
    ex.traceparent = `00-${traceparent.slice(3, 35)}-${spanId}-0${kept | 1}`
    if (!continued) ex.tracestate = this.state
  }
}
