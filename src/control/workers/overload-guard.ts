import type { CellRef } from '../../cells/pages.ts'
import { PRESSURE_WORDS, PressureWord, STAGE_NAMES } from '../../core/pressure.ts'
import type { Gauges } from '../../core/series.ts'
import { type OverloadLimits, OverloadStage } from '../../features/overload/overload.ts'
import type { Clock, ClockHandle } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Part, WorkerState } from '../contract.ts'
import type { CellRegistry } from '../registry/registry.ts'
import { BEAT_MS, beatAge } from './heartbeat.ts'

const LOOK_MS = 250
const OWN_PAUSE_MS = 1_000

/** A worker number and the thread that has it now, as far as it is watched here. */
export interface WatchedWorker {
  readonly pressure: CellRef
  readonly heartbeat: CellRef
  /** Clock milliseconds; distinguishes the threads of one number. */
  readonly startedAt: number
  readonly state: WorkerState
}

export interface OverloadGuardOptions {
  /** Of the live config; undefined: off. */
  readonly limits: () => (OverloadLimits & { readonly mode: 'enforce' | 'shadow' }) | undefined
  readonly registry: CellRegistry
  /** Of each worker: words, see `PressureWord`, and its heartbeat. */
  readonly workers: readonly WatchedWorker[]
  /** Resident memory, as a share of what the process may have: 0 to 1. */
  readonly memory: () => number
  /** Open connections, as a share of the files that the process may open: 0 to 1. */
  readonly sockets: () => number
  readonly clock: Clock
  readonly log: Log
}

/** Measures the load of the process, and tells each worker how to react. */
export class OverloadGuard implements Part {
  readonly gauges: Gauges = {
    sluice_overload_stage: () =>
      Array.from(this.all(), ([worker, stage]) => ({ labels: [String(worker)], value: stage })),
  }
  private readonly options: OverloadGuardOptions
  private readonly stages: OverloadStage[]
  /** When the thread was started that is watched under a number; undefined: none is. */
  private readonly watched: (number | undefined)[]
  private lookedAt = 0
  private timer: ClockHandle = undefined

  constructor(options: OverloadGuardOptions) {
    this.options = options
    this.stages = options.workers.map(() => new OverloadStage())
    this.watched = options.workers.map(() => undefined)
  }

  start(): void {
    this.timer = this.options.clock.after(LOOK_MS, () => {
      this.look()
      this.start()
    })
  }

  close(): void {
    this.options.clock.cancel(this.timer)
  }

  /** Stage of each worker, by its number. */
  *all(): Generator<readonly [worker: number, stage: number]> {
    for (const [worker, { stage }] of this.stages.entries()) yield [worker, stage]
  }

  /** Another thread serves under this number, or none: the load so far does not count. */
  private begin(worker: number, ref: CellRef, thread: number | undefined): void {
    const words = this.options.registry.words(ref)
    for (let word = 0; word < PRESSURE_WORDS; word++) Atomics.store(words, ref.slot + word, 0)
    this.stages[worker] = new OverloadStage()
    this.watched[worker] = thread
  }

  /** It was switched off: no worker keeps the stage told last. */
  private rest(): void {
    for (const [worker, { pressure }] of this.options.workers.entries())
      if (this.stages[worker]?.stage !== 0) this.begin(worker, pressure, this.watched[worker])
  }

  look(): void {
    const { clock, log, registry, workers } = this.options
    const limits = this.options.limits()
    if (limits === undefined) {
      this.rest()
      return
    }
    const now = clock.now()
    // After a pause of the whole process every beat looks late.
    const paused = now - this.lookedAt > OWN_PAUSE_MS
    this.lookedAt = now
    if (paused) return
    const memory = this.options.memory()
    const sockets = this.options.sockets()
    for (const [worker, { heartbeat, pressure: ref, startedAt, state }] of workers.entries()) {
      // A worker that loads its modules, or has ended, does not beat in time: it must not refuse its first requests for
      // that.
      const thread = state === 'serving' || state === 'stalled' ? startedAt : undefined
      if (thread !== this.watched[worker]) this.begin(worker, ref, thread)
      if (thread === undefined) continue
      const known = this.stages[worker] as OverloadStage
      const before = known.stage
      const words = registry.words(ref)
      // A worker that has not beaten yet is late by at least this much, and busy.
      const overdue = beatAge(registry.read(heartbeat), now) - BEAT_MS
      const told = Atomics.load(words, ref.slot + PressureWord.delay)
      const delay = Math.max(told, overdue)
      const utilization = overdue > told ? 1 : Atomics.load(words, ref.slot + PressureWord.utilization) / 1000
      const stage = known.look({ delay, utilization, memory, sockets }, limits, now)
      if (stage === before) continue
      if (limits.mode === 'enforce') Atomics.store(words, ref.slot + PressureWord.stage, stage)
      const facts = {
        worker,
        mode: limits.mode,
        stage: STAGE_NAMES[stage],
        delay_ms: delay,
        utilization,
        memory,
        sockets,
      }
      if (stage > before) log.warn('overload', facts)
      else log.info('overload eases', facts)
    }
  }
}
