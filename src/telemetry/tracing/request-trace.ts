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
}

/** A span's own id; zeros only are none (W3C Trace Context, section 3.2.2.4). */
export function newSpanId(random: Random): string {
  return hex32(random.uint32()) + hex32(random.uint32() | 1)
}

/**
 * What is kept of a request while it runs; `records.ts` makes its spans of it. One that is not sampled costs this object and
 * nothing else, unless it is tried again: IDs are made when they are needed.
 */
export class RequestTrace implements Trace {
  readonly sampled: boolean
  /** Of our span; empty: made at the end. */
  readonly spanId: string
  /** `traceparent` as it came or was made. */
  readonly begun: string
  /** It came. */
  readonly continued: boolean
  hedged: Attempt | undefined = undefined
  notes: Note[] | undefined = undefined
  /** Notes beyond those that are kept. */
  more = 0
  private readonly random: Random
  private first: Attempt | undefined = undefined
  /** Tries after the first. */
  private others: Attempt[] | undefined = undefined
  /** Of the tries of a sampled request, in their order. */
  private ids: string[] | undefined = undefined

  constructor(sampled: boolean, spanId: string, begun: string, continued: boolean, random: Random) {
    this.sampled = sampled
    this.spanId = spanId
    this.begun = begun
    this.continued = continued
    this.random = random
  }

  tried(at: Attempt, headers: string[], hedge: boolean): void {
    this.dropRefused(at)
    if (hedge) {
      this.hedged = at
      this.note('hedge', at.startedAt, { attempt: at.number })
    } else if (this.first !== undefined) {
      const head = this.latest?.head
      this.note('retry', at.startedAt, { attempt: at.number, after: head?.reason ?? head?.outcome ?? '-' })
    }
    if (this.sampled) this.pass(headers)
    if (this.first === undefined) this.first = at
    else if (this.others === undefined) this.others = [at]
    else if (this.others.length < MAX_TRIES - 1) this.others.push(at)
  }

  note(name: NoteName, at: number, facts: NoteFacts): void {
    if (this.notes === undefined) this.notes = [{ name, at, facts }]
    else if (this.notes.length < MAX_NOTES) this.notes.push({ name, at, facts })
    else this.more++
  }

  /** Those that went, in their order. */
  tries(): Tried[] {
    const { first, ids, others = [] } = this
    if (first === undefined) return []
    return [first, ...others]
      .map((at, i) => ({ at, spanId: ids?.[i] ?? newSpanId(this.random) }))
      .filter(({ at }) => !neverWent(at))
  }

  get count(): number {
    return this.first === undefined ? 0 : 1 + (this.others?.length ?? 0)
  }

  private get latest(): Attempt | undefined {
    return this.others?.at(-1) ?? this.first
  }

  private pass(headers: string[]): void {
    const spanId = newSpanId(this.random)
    headers.push('traceparent', `00-${this.begun.slice(3, 35)}-${spanId}-${this.flags}`)
    if (this.ids === undefined) this.ids = [spanId]
    else this.ids.push(spanId)
  }

  /** What its parent knows besides the one bit is kept. */
  private get flags(): string {
    return isSampled(this.begun) ? this.begun.slice(53, 55) : '01'
  }

  /** The try before this one went nowhere. */
  private dropRefused(next: Attempt): void {
    const { first, latest, others } = this
    if (latest === undefined || !neverWent(latest)) return
    if (latest === first) this.first = undefined
    else others?.pop()
    this.ids?.pop()
    this.note('refused', next.startedAt, { policy: 'pool', reason: latest.head?.reason ?? '-' })
  }
}

/** Its pool refused it: nothing was sent. */
function neverWent({ head }: Attempt): boolean {
  return head?.ignored === true && head.outcome === 'ok' && head.reason !== undefined
}

/** The last bit of the flags of a `traceparent`. */
export function isSampled(traceparent: string): boolean {
  const code = traceparent.charCodeAt(54)
  // Digits have odd codes where they are odd, the letters from a on where they are even.
  return (code & 1) === (code < 58 ? 1 : 0)
}
