/**
 * How two sides that share no memory speak: workers with the control plane, both with the thread of a store. A side asks,
 * the other answers; either may end at any time. `src/link/` has both halves.
 */

/** Why there is no answer, or no value. Stores say the same. */
export const UNAVAILABLE = {
  full: 'no room: as many questions as may wait are waiting, or a store is full',
  refused: 'the question itself is wrong',
  too_large: 'more bytes than may be sent or kept',
  deadline: 'no answer in time',
  cancelled: 'the asker gave up',
  gone: 'the other side has ended',
  failed: 'the other side could not do it',
} as const satisfies Readonly<Record<string, string>>

export type UnavailableReason = keyof typeof UNAVAILABLE

/** What stands in the place of an answer; a value, never thrown. */
export interface Unavailable {
  readonly unavailable: UnavailableReason
}

/** One object per reason: an asker may be refused often. */
const VALUES = Object.fromEntries(
  Object.keys(UNAVAILABLE).map((reason) => [reason, Object.freeze({ unavailable: reason })]),
) as Readonly<Record<UnavailableReason, Unavailable>>

export function unavailable(reason: UnavailableReason): Unavailable {
  return VALUES[reason]
}

/** Tells it from answers, whose own fields have other names. */
export function isUnavailable(value: unknown): value is Unavailable {
  return typeof value === 'object' && value !== null && 'unavailable' in value
}

/** What one side asks. */
export interface LinkQuestion {
  /** Which answer is wanted: a key of `ControlHalf.answers`. */
  readonly name: string
  /** Structured-cloneable. Default: undefined. */
  readonly value?: unknown
  /** Of one asker, those with the same key begin in order, each when the one before has ended. Default: at once. */
  readonly key?: string
}

/** A question that was asked. */
export interface PendingAnswer<A> {
  /** Never rejects, and settles by the deadline. */
  readonly answer: Promise<A | Unavailable>
  /** Gives up: `answer` is `cancelled` now if it is not there yet, and the other side is told. */
  cancel(): void
}

/** Asks; `deadlineMs` from now, an hour at most. */
export type Ask = <A>(question: LinkQuestion, deadlineMs: number) => PendingAnswer<A>

/** A question as it is being answered. */
export interface Call {
  /** Aborted when the asker gives up or ends. Work that ignores it keeps its place among those that may run. */
  readonly signal: AbortSignal
  /** Clock milliseconds after which no answer is wanted. */
  readonly until: number
}

/** Answers one kind of question; the answer is structured-cloneable. What it throws is `failed`. */
export type Answer<Q = unknown, A = unknown> = (question: Q, call: Call) => A | Unavailable | Promise<A | Unavailable>

/** By the name of the question. */
// biome-ignore lint/suspicious/noExplicitAny: each takes the questions of its own name.
export type Answers = Readonly<Record<string, Answer<any>>>

/** Messages of a side that asks. */
export type AskMessage =
  | {
      readonly type: 'ask'
      /** Unique among those of its asker. */
      readonly id: number
      /** Whose answers: a feature, or what the two sides agree on. The bound on questions is per `to`. */
      readonly to: string
      readonly name: string
      readonly value: unknown
      readonly key: string | undefined
      /** Clock milliseconds, the same in all threads of a process. */
      readonly until: number
    }
  | { readonly type: 'give-up'; readonly id: number }

/** Messages of a side that answers; at most one per question. */
export type AnswerMessage =
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly type: 'no-answer'; readonly id: number; readonly why: UnavailableReason }

export type LinkMessage = AskMessage | AnswerMessage

/** How much two sides may have on the way. */
export interface LinkBounds {
  /** Questions per `to` (between planes: per feature) that wait for an answer or are being answered. */
  readonly questions: number
  /** Of one question or answer, as `link/weight.ts` counts them. */
  readonly bytes: number
}

/** Between a worker and the control plane, each way. */
export const WORKER_BOUNDS: LinkBounds = { questions: 256, bytes: 1_048_576 }

/**
 * Data of a feature that the control plane gives to all workers, between generations and in no step with them. The latest
 * value takes the place of the one before, whole; a new worker has it before it compiles a config.
 */
export interface Feed<T> {
  /** The latest; undefined: none so far, or no more. Not to be changed. */
  readonly value: T | undefined
  /** Grows with each value: what is made of a value is made anew when this is another number. */
  readonly version: number
  /**
   * `f` is called after each new value, as long as the worker lives: only within `FeatureContext.keep`, since what is
   * compiled goes with its generation.
   */
  changed(f: () => void): void
}

/** `before-commit`: the config that needs a value waits for the first one before it goes live, 2 s at most. */
export type FeedNeed = 'before-commit' | 'later'

/** Where the control half of a feature puts the values of a feed. */
export interface FeedOut<T> {
  /** Structured-cloneable; what happens to it afterwards is not seen. */
  publish(value: T): void
  /** There is nothing new to be had: workers keep the last value, and operators are told until the next one comes. */
  failed(error: unknown): void
  /** It is not needed any more: workers forget its value. */
  end(): void
}

/** In the place of a feature: Sluice itself. */
export const OF_SLUICE = '-'

/** A value of a feed on its way to a worker. */
export interface FedValue {
  readonly feature: string
  readonly name: string
  readonly version: number
  readonly value: unknown
}

/** Acts in a worker on a command of the control half; it is done when this has returned, or what it returned has settled. */
export type CommandHandler<Q = unknown> = (value: Q) => void | Promise<void>

/** Which workers have done what a control half told them. */
export interface Commanded {
  /** Those that ended meanwhile count: what it was about is gone with them. */
  readonly done: number
  readonly missing: readonly { readonly worker: number; readonly why: UnavailableReason }[]
}
