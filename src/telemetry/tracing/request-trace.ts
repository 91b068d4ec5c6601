import type { Attempt } from '../../core/attempt.ts'
import type { NoteFacts, NoteName, Trace } from '../../core/spans.ts'
import { hex32 } from '../../lib/hex.ts'
import type { Random } from '../../lib/random.ts'

const MAX_NOTES = 32
const MAX_TRIES = 32

/** A note that was not put into Unix time yet. */
export interface Note {
  readonly name: NoteName
  /** Clock milliseconds. */
  readonly at: number
  readonly facts: NoteFacts
}

/** A try and its span. */
export interface Tried {
  readonly at: Attempt
  readonly spanId: string
  readonly hedge: boolean
}

const NO_TRIES: Tried[] = Object.freeze([]) as unknown as Tried[]
const NO_NOTES: Note[] = Object.freeze([]) as unknown as Note[]

/** A span's own id; zeros only are none (W3C Trace Context, section 3.2.2.4). */
export function newSpanId(random: Random): string {
  return hex32(random.uint32()) + hex32(random.uint32() | 1)
}

/** What is kept of a request while it runs, in a few plain objects; `records.ts` makes its spans of it. */
export class RequestTrace implements Trace {
  readonly sampled: boolean
  readonly traceId: string
  readonly spanId: string
  /** Empty: the trace begins here. */
  readonly parentId: string
  /** Two hex digits for upstreams. */
  private readonly flags: string
  private readonly random: Random
  tries: Tried[] = NO_TRIES
  notes: Note[] = NO_NOTES
  /** Notes beyond those that are kept. */
  more = 0

  constructor(
    sampled: boolean,
    ids: { readonly traceId: string; readonly spanId: string; readonly parentId: string },
    flags: string,
    random: Random,
  ) {
    this.sampled = sampled
    this.traceId = ids.traceId
    this.spanId = ids.spanId
    this.parentId = ids.parentId
    this.flags = flags
    this.random = random
  }

  tried(at: Attempt, headers: string[], hedge: boolean): void {
    const spanId = newSpanId(this.random)
    if (this.sampled) headers.push('traceparent', `00-${this.traceId}-${spanId}-${this.flags}`)
    const before = this.tries.at(-1)
    if (before !== undefined && neverWent(before.at)) {
      this.tries.pop()
      this.note('refused', at.startedAt, { policy: 'pool', reason: before.at.head?.reason ?? '-' })
    } else if (before !== undefined && !hedge) {
      const head = before.at.head
      this.note('retry', at.startedAt, { attempt: at.number, after: head?.reason ?? head?.outcome ?? '-' })
    }
    if (hedge) this.note('hedge', at.startedAt, { attempt: at.number })
    if (this.tries === NO_TRIES) this.tries = [{ at, spanId, hedge }]
    else if (this.tries.length < MAX_TRIES) this.tries.push({ at, spanId, hedge })
  }

  note(name: NoteName, at: number, facts: NoteFacts): void {
    if (this.notes.length >= MAX_NOTES) this.more++
    else if (this.notes === NO_NOTES) this.notes = [{ name, at, facts }]
    else this.notes.push({ name, at, facts })
  }
}

/** Its pool refused it: nothing was sent. */
export function neverWent({ head }: Attempt): boolean {
  return head?.ignored === true && head.outcome === 'ok' && head.reason !== undefined
}
