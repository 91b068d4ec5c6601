import type { DrillFacts } from './facts.ts'
import type { Metrics } from './metrics.ts'
import type { DrillRun } from './run.ts'

/**
 * A fault of an endpoint. down: it does not listen and has cut its connections. killed: its process was ended by SIGKILL,
 * if it has one of its own; else down. hangs: it accepts and never answers. fails: 503 to everything. breaks: answers break
 * off in mid-body. slowMs: answers come this much later.
 */
export type DrillFault = 'none' | 'down' | 'killed' | 'hangs' | 'fails' | 'breaks' | { readonly slowMs: number }

export interface FaultAt {
  readonly upstream: string
  /** From 0; absent: all of them. */
  readonly endpoint?: number
  readonly fault: DrillFault
}

/** What a phase may look at to find out whether it is over. */
export interface Live {
  readonly metrics: Metrics
  /** Requests that an endpoint got since the phase began. */
  received(upstream: string, endpoint: number): number
}

/** A stretch of time under load. */
export interface DrillPhase {
  readonly name: string
  /** How long it takes: in the test suite, and in a full run. */
  readonly seconds: readonly [short: number, full: number]
  /** Set when it begins. */
  readonly faults?: readonly FaultAt[]
  /** Something that its stage can do, when it begins. */
  readonly act?: string
  /** It goes on until this holds, for 15 s at most. */
  readonly until?: (live: Live) => boolean
}

/** An outcome that is promised. count: it holds wherever it runs. time: judged by medians, not in the test suite. */
export interface Expectation<S> {
  readonly what: string
  readonly limit: number
  readonly bound: 'most' | 'least' | 'exactly'
  readonly unit: string
  readonly kind: 'count' | 'time'
  readonly measure: (seen: S) => number
  /** Whether it is promised for configs of users too; absent: it is. */
  readonly fits?: (facts: DrillFacts) => boolean
}

/** A failure scenario as data and prose. `S`: type of what is seen when it runs. */
export interface Scenario<S> {
  /** Stable: names its file, and is what the command line takes. */
  readonly name: string
  readonly title: string
  /** The parts and how they are connected. */
  readonly topology: string
  readonly fault: string
  readonly recovery: string
  /** Runs of which the medians of times are taken. */
  readonly runs?: number
  readonly expected: readonly Expectation<S>[]
}

export interface UpstreamPlan {
  readonly endpoints: number
  /** How long an endpoint takes for an answer. */
  readonly serviceMs: number
  /** Requests that each endpoint works on at a time; the others wait in it. Absent: all of them. */
  readonly threads?: number
  /** Bytes of answers to `/large`; absent: as to any other path. */
  readonly largeBytes?: number
  /** Keys of the upstream in the config, without its endpoints. */
  readonly options?: object
}

export interface LoadPlan {
  readonly name: string
  readonly path: string
  /** Requests per second. */
  readonly rate: number
  /** Loopback address that it is sent from; absent: the usual one. */
  readonly from?: string
  /** The phases in which it is sent; absent: in all. */
  readonly only?: readonly string[]
}

/** A scenario that needs only endpoints with faults, and a steady load. */
export interface DrillScenario extends Scenario<DrillRun> {
  readonly upstreams: Readonly<Record<string, UpstreamPlan>>
  /** Routes of the config. */
  readonly routes: Readonly<Record<string, object>>
  readonly load: readonly LoadPlan[]
  readonly phases: readonly DrillPhase[]
  /** Why it cannot be run against the config of a user; undefined: it can. */
  readonly misfit: (facts: DrillFacts) => string | undefined
}

type Measure<S> = (seen: S) => number

export function atMost<S>(what: string, limit: number, unit: string, measure: Measure<S>): Expectation<S> {
  return { what, limit, bound: 'most', unit, kind: 'count', measure }
}

export function atLeast<S>(what: string, limit: number, unit: string, measure: Measure<S>): Expectation<S> {
  return { what, limit, bound: 'least', unit, kind: 'count', measure }
}

export function exactly<S>(what: string, limit: number, unit: string, measure: Measure<S>): Expectation<S> {
  return { what, limit, bound: 'exactly', unit, kind: 'count', measure }
}

/** A time, or a ratio of times. */
export function timeAtMost<S>(what: string, limit: number, unit: string, measure: Measure<S>): Expectation<S> {
  return { what, limit, bound: 'most', unit, kind: 'time', measure }
}

/** Whether a measured value is as expected. */
export function holds({ limit, bound }: Expectation<never>, seen: number): boolean {
  if (bound === 'exactly') return seen === limit
  return bound === 'most' ? seen <= limit : seen >= limit
}
