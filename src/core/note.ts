import type { Decision, FactValue } from './decision.ts'
import type { Reason } from './failures.ts'

/** Why a request cannot go on under a route: it had it before, or too many others; its body was not kept; there is none. */
export type Hindrance = 'loop' | 'body' | 'unknown'

/** What a feature makes requests by, see `core/services.ts`. */
export type SideKind = 'call' | 'stream' | 'fork' | 'connect'

/** Something that was decided on the way of a request. */
export type Decided =
  /** A policy refused the request, only the attempts at one `upstream` or, in mode shadow, nothing. */
  | {
      readonly kind: 'refused'
      readonly policy: string
      readonly reason: Reason
      readonly mode: 'enforce' | 'shadow'
      readonly upstream: string | undefined
    }
  /** It goes on under another route; `hindrance`: it cannot, see {@link Hindrance}. */
  | { readonly kind: 'rerouted'; readonly from: string; readonly to: string; readonly hindrance: Hindrance | undefined }
  /** A feature has made a request for it; `to`: the upstream, of `fork` and `connect` the route. Milliseconds; 0: no answer came. */
  | {
      readonly kind: 'called'
      readonly feature: string
      readonly what: SideKind
      readonly to: string
      readonly status: number
      readonly reason: Reason | undefined
      readonly ms: number
    }
  /** Of a feature, see `Feature.decisions`. */
  | {
      readonly kind: 'decided'
      readonly decision: string
      readonly facts: Readonly<Record<string, FactValue>>
      /** How it is told. */
      readonly row: Decision
    }

/** A decision, and when it was taken in clock milliseconds. */
export type Note = { readonly at: number } & Decided

/** Bound on the notes of a request. */
export const MAX_NOTES = 32

/** What was decided about one request; its story and the events of its span are made of it, and of its attempts. */
export class Notes {
  readonly kept: Note[]
  /** Beyond those that are kept. */
  more = 0

  /** Most requests have one: a list that begins with it reserves no room for others. */
  constructor(first: Note | undefined) {
    this.kept = first === undefined ? [] : [first]
  }

  add(note: Note): void {
    if (this.kept.length < MAX_NOTES) this.kept.push(note)
    else this.more++
  }
}
