import type { CellRef } from '../../cells/pages.ts'
import type { ClockHandle } from '../../lib/clock.ts'
import { RestartDelay } from '../../lib/restart-delay.ts'
import type { ExitReason, WorkerState } from '../contract.ts'
import type { Pulse } from './heartbeat.ts'
import type { RunningWorker } from './running-worker.ts'

/**
 * A worker number and what has it now, in a thread of its own or in ours. All fields below `thread` belong to it and start
 * anew with the next one.
 */
export class WorkerSlot {
  readonly worker: number
  readonly heartbeat: CellRef
  /** Words: first of `PRESSURE_WORDS`. */
  readonly pressure: CellRef
  readonly delay = new RestartDelay()
  restarts = 0
  /** It serves, or is to; false: it stands by, or has given its place to another. */
  active = false
  /** It is started again then; undefined: it is not about to be. */
  restart: ClockHandle = undefined
  thread: RunningWorker | undefined = undefined
  startedAt = 0
  /** It speaks the protocol. */
  ready = false
  /** A config or listeners are being sent to it. */
  busy = false
  serving = false
  pulse: Pulse = 'beating'
  /** Clock time until which it may stand still: it is being looked into. */
  sparedUntil = Number.NEGATIVE_INFINITY
  /** Busy share of its loop, as of the latest look. */
  utilization = 0
  /** Committed generation; 0: none. */
  generation = 0
  /** Generations that may still run requests. */
  readonly living = new Set<number>()
  /** Latest endpoint update that it has taken. */
  update = 0
  /** Endpoint update that a config on its way to it contains; Infinity: none is on its way. */
  sentUpdate = Number.POSITIVE_INFINITY
  readonly listening = new Set<string>()
  /** How many of the shared pages it has. */
  pages = 0
  metricPages = 0
  /** Its listeners are closed and no exchange is left. */
  idle = false
  ending: ExitReason | undefined = undefined

  constructor(worker: number, heartbeat: CellRef, pressure: CellRef) {
    this.worker = worker
    this.heartbeat = heartbeat
    this.pressure = pressure
  }

  get state(): WorkerState {
    if (this.thread === undefined) return 'waiting'
    if (this.ending !== undefined) return 'ending'
    if (!this.serving) return 'starting'
    if (!this.active) return 'ending'
    return this.pulse === 'beating' ? 'serving' : 'stalled'
  }

  /** It runs, speaks and is not about to end. */
  get usable(): boolean {
    return this.thread !== undefined && this.ready && this.ending === undefined
  }

  begin(thread: RunningWorker, now: number, pages: number): void {
    this.thread = thread
    this.startedAt = now
    this.ready = false
    this.busy = false
    this.serving = false
    this.pulse = 'beating'
    this.sparedUntil = Number.NEGATIVE_INFINITY
    this.utilization = 0
    this.generation = 0
    this.living.clear()
    this.update = 0
    this.sentUpdate = Number.POSITIVE_INFINITY
    this.listening.clear()
    this.pages = pages
    this.metricPages = 1
    this.idle = false
    this.ending = undefined
  }
}
