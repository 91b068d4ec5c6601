import type { Latencies } from '../lib/latencies.ts'
import type { Attempt } from './attempt.ts'
import type { Exchange } from './exchange.ts'
import type { OutcomeClass } from './outcome.ts'

/**
 * What a feature says of the attempts of a route. No hook fits here: all features together decide how often, for how long and where
 * an upstream is asked, and there is one loop of attempts. The plan of a route holds each member once, from the one feature that
 * gives it, and the loop asks it there. Questions are pure; what the loop has decided it tells by the methods that begin with `on`.
 */
export interface PlanPart {
  readonly first?: FirstAttempt
  readonly again?: FurtherAttempts
  readonly limit?: TimeLimits
  readonly beside?: SecondAttempt
  readonly buffers?: Buffers
}

/** An upstream that a route leads to. */
export interface Lead {
  readonly upstream: string
  /** In relation to those of the others. */
  readonly weight: number
}

/** Where a first attempt goes that the upstream it was drawn for cannot take. */
export interface FirstAttempt {
  /** `able`: the others that can take it, in the order of the route; undefined: it stays. The same for the same request. */
  instead<T extends Lead>(ex: Exchange, from: Lead, able: readonly T[]): T | undefined
  onMoved(ex: Exchange, from: Lead, to: Lead): void
}

/**
 * Why no further attempt may follow: all are used; a gateway in front of this one retries; the method must not be repeated;
 * the body is too large to be kept; too little time is left; none is wanted after such an outcome.
 */
export type Obstacle = 'attempts' | 'prior' | 'method' | 'body' | 'time' | 'condition'

/** Attempts after the first. */
export interface FurtherAttempts {
  readonly most: number
  /** The longest Retry-After that is waited for, milliseconds. */
  readonly retryAfterCap: number
  /** Whether one is wanted after this outcome. */
  follows(outcome: OutcomeClass): boolean
  /** Whether the method may be repeated once bytes of it were sent. */
  repeats(method: string): boolean
  /** Milliseconds before the attempt after `attempts` attempts. The same for the same request. */
  backoffMs(attempts: number, requestId: string): number
  onNone(ex: Exchange, because: Obstacle): void
  /** An attempt has its head verdict, and it was not the only one of its request. `ex.verdict`: of those before it. */
  onVerdict(ex: Exchange, at: Attempt): void
}

/** How long things may take, in milliseconds; undefined: as long as they do. */
export interface TimeLimits {
  /** Until the head of the answer, all attempts and waits included. */
  readonly request: number | undefined
  readonly attempt: number | undefined
  /** Silence in the body of the answer. */
  readonly idle: number | undefined
  /** The same in an event stream. */
  readonly stream: number | undefined
  readonly total: number | undefined
  /** Bytes per second over `window` milliseconds, of the request body. */
  readonly minRate: { readonly bytes: number; readonly window: number } | undefined
}

/** A second attempt beside a first one that is slow. The answer that comes first is used, and the other attempt ended. */
export interface SecondAttempt {
  /** Milliseconds after the first; undefined: none now. `latencies`: of the route. */
  delayMs(latencies: Latencies, now: number): number | undefined
  onBegun(ex: Exchange, at: Attempt): void
}

/** Which bodies Sluice keeps for slow clients, so that these hold none of what belongs to all. */
export interface Buffers {
  /** An attempt with a body begins behind the gate, see `engine/gate.ts`. */
  readonly request: boolean
  /** What the client does not take of an answer is kept. */
  readonly response: boolean
  /** An upstream is held up: as much of its answer is kept as may be. */
  onPaused(upstream: string): void
}

/** Of a route none of whose features says anything else. */
export const NO_BUFFERS: Buffers = { request: false, response: false, onPaused: () => {} }

/** Of a route none of whose features says anything else. */
export const NO_LIMITS: TimeLimits = {
  request: undefined,
  attempt: undefined,
  idle: undefined,
  stream: undefined,
  total: undefined,
  minRate: undefined,
}

/** One attempt. */
export const NO_FURTHER: FurtherAttempts = {
  most: 0,
  retryAfterCap: 0,
  follows: () => false,
  repeats: () => false,
  backoffMs: () => 0,
  onNone: () => {},
  onVerdict: () => {},
}

/** What all features of a route say. Throws where two give the same member. */
export function joined(parts: readonly PlanPart[]): PlanPart {
  const whole: Record<string, unknown> = {}
  for (const [member, value] of parts.flatMap((part) => Object.entries(part))) {
    if (whole[member] !== undefined) throw new Error(`two features plan ${member}`)
    whole[member] = value
  }
  return whole
}
