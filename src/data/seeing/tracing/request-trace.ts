import type { Attempt } from '../../../core/attempt.ts'
import type { Trace } from '../../../core/spans.ts'
import { hex32 } from '../../../lib/hex.ts'
import type { Random } from '../../../lib/random.ts'

/** A span's own ID, never all zeros (W3C Trace Context, section 3.2.2.4). */
export function newSpanId(random: Random): string {
  return hex32(random.uint32()) + hex32(random.uint32() | 1)
}

/**
 * The decision about the spans of a request; `records.ts` makes them once it has ended. An unsampled request costs this
 * object and nothing else: IDs are made when they are needed.
 */
export class RequestTrace implements Trace {
  readonly sampled: boolean
  /** Of our span; empty: made at the end. */
  readonly spanId: string
  /** `traceparent` as it came or was made. */
  readonly begun: string
  /** It came with the request. */
  readonly continued: boolean
  private readonly random: Random
  /** Of the attempts of a sampled request. */
  private spans: { readonly at: Attempt; readonly id: string }[] | undefined = undefined

  constructor(sampled: boolean, spanId: string, begun: string, continued: boolean, random: Random) {
    this.sampled = sampled
    this.spanId = spanId
    this.begun = begun
    this.continued = continued
    this.random = random
  }

  dispatched(at: Attempt, headers: string[]): void {
    if (!this.sampled) return
    const id = newSpanId(this.random)
    headers.push('traceparent', `00-${this.begun.slice(3, 35)}-${id}-0${keptFlags(this.begun) | 1}`)
    if (this.spans === undefined) this.spans = [{ at, id }]
    else this.spans.push({ at, id })
  }

  /** The ID sent to its upstream, else a new one. */
  spanIdOf(attempt: Attempt): string {
    return this.spans?.find(({ at }) => at === attempt)?.id ?? newSpanId(this.random)
  }
}

/**
 * Bits of the flags (W3C Trace Context Level 2, section 3.2.2.5): the trace is sampled; the last 56 bits of its ID are
 * random.
 */
const SAMPLED = 1
const RANDOM = 2

/** The last digit of the flags of a valid `traceparent`; of unknown versions only the sampled bit can be read. */
function flagsOf(traceparent: string): number {
  const code = traceparent.charCodeAt(54)
  const digit = code < 58 ? code - 48 : code - 87
  return traceparent.startsWith('00') ? digit : digit & SAMPLED
}

export function isSampled(traceparent: string): boolean {
  return (flagsOf(traceparent) & SAMPLED) !== 0
}

/** The flags that hold for the whole trace, whichever participant samples it; unknown ones are left out. */
export function keptFlags(traceparent: string): number {
  return flagsOf(traceparent) & RANDOM
}
