/** What the parts of the control plane share. */

import type { Kept } from '../config/judge/keep-good.ts'
import type { Gauges } from '../core/series.ts'
import { choice, said } from '../schema/shape.ts'

/**
 * `starting`: no config or no listener yet; `serving`; `stalled`: serving, but its loop has not turned for 2 s; `ending`:
 * told to end, not gone yet; `waiting`: gone, its successor starts after a delay.
 */
const WORKER_STATES = ['starting', 'serving', 'stalled', 'ending', 'waiting'] as const
export type WorkerState = (typeof WORKER_STATES)[number]

export const EXIT_REASONS = ['exit', 'error', 'memory', 'hung', 'config'] as const

/** Why a worker was replaced. */
export type ExitReason = (typeof EXIT_REASONS)[number]

export interface WorkerFacts {
  readonly worker: number
  readonly state: WorkerState
  /** Milliseconds; undefined: there is no thread. */
  readonly heartbeatAge: number | undefined
  readonly restarts: number
  /** Config generation that it serves; 0: none yet. */
  readonly generation: number
}

/** Where something listens. */
export interface Bound {
  readonly host: string
  /** The real one, never 0. */
  readonly port: number
}

export interface BoundListener extends Bound {
  readonly name: string
}

/** What made us load a config. */
export const TRIGGERS = ['start', 'file', 'source', 'signal', 'api'] as const
export type Trigger = (typeof TRIGGERS)[number]

/** A config that was loaded, and became live or not. Hashes; `after`: of the live one. */
export interface ConfigChange {
  readonly trigger: Trigger
  readonly before: string | undefined
  readonly after: string
  readonly ok: boolean
  /** Its parts that did not become live. */
  readonly kept: readonly Kept[]
  readonly problems: readonly string[]
}

/** `leaving`: no new connections, what is in flight may finish. */
const DRAIN_STATES = ['serving', 'draining', 'leaving', 'cut', 'done'] as const
export type DrainState = (typeof DRAIN_STATES)[number]

/** States of an endpoint as operators see them, in metrics and in the API. */
export const ENDPOINT_STATES = ['usable', 'ejected', 'unhealthy', 'draining'] as const
export type EndpointState = (typeof ENDPOINT_STATES)[number]

/** The states, as the description of the API names them. */
export const STATE_SCHEMAS = {
  DrainState: said('`leaving`: nothing new comes in; `cut`: what was left is ended.', choice(...DRAIN_STATES)),
  WorkerState: choice(...WORKER_STATES),
  EndpointState: choice(...ENDPOINT_STATES),
} as const

/** A part of the control plane, as the whole sees it. */
export interface Part {
  /** What is read from it at each scrape. */
  readonly gauges?: Gauges
  /** Ends its timers. */
  close?(): void
}
