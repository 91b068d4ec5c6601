import type { CellRef } from '../../cells/pages.ts'
import type { ControlContext, ControlFeature, ControlHalf } from '../../core/control-feature.ts'
import { PRESSURE_WORDS, PressureWord, STAGE_NAMES } from '../../core/pressure.ts'
import type { GaugeReading } from '../../core/series.ts'
import type { ClockHandle } from '../../lib/clock.ts'
import type { OverloadOptions } from './keys.ts'
import { OverloadStage } from './overload-stage.ts'

const LOOK_MS = 250
const OWN_PAUSE_MS = 1_000

type OverloadContext = ControlContext<OverloadOptions, undefined>

/** Measures the load of the process, and tells each worker how to react. */
class OverloadGuard implements ControlHalf {
  readonly gauges = { sluice_overload_stage: () => this.readings() }
  private readonly context: OverloadContext
  private readonly stages: OverloadStage[]
  /** When the thread was started that is watched under a number; undefined: none is. */
  private readonly watched: (number | undefined)[]
  private lookedAt = 0
  private timer: ClockHandle = undefined

  constructor(context: OverloadContext) {
    this.context = context
    this.stages = context.load.workers.map(() => new OverloadStage())
    this.watched = context.load.workers.map(() => undefined)
    this.lookLater()
  }

  close(): void {
    this.context.clock.cancel(this.timer)
  }

  private lookLater(): void {
    this.timer = this.context.clock.after(LOOK_MS, () => {
      this.look()
      this.lookLater()
    })
  }

  private *readings(): Generator<GaugeReading> {
    for (const [worker, { stage }] of this.stages.entries())
      if (this.context.load.workers[worker]?.present === true) yield { labels: [String(worker)], value: stage }
  }

  /** Another thread serves under this number, or none: the load so far does not count. */
  private begin(worker: number, ref: CellRef, thread: number | undefined): void {
    const words = this.context.look.words(ref)
    for (let word = 0; word < PRESSURE_WORDS; word++) Atomics.store(words, ref.slot + word, 0)
    this.stages[worker] = new OverloadStage()
    this.watched[worker] = thread
  }

  /** It was switched off: no worker keeps the stage told last. */
  private rest(): void {
    for (const [worker, { pressure }] of this.context.load.workers.entries())
      if (this.stages[worker]?.stage !== 0) this.begin(worker, pressure, this.watched[worker])
  }

  private look(): void {
    const { clock, load, uses } = this.context
    const options = uses()[0]?.use.options
    if (options === undefined) {
      this.rest()
      return
    }
    const now = clock.now()
    // After a pause of the whole process every beat looks late.
    const paused = now - this.lookedAt > OWN_PAUSE_MS
    this.lookedAt = now
    if (!paused) this.judge(options, load.memory(), load.sockets(), now)
  }

  private judge(options: OverloadOptions, memory: number, sockets: number, now: number): void {
    const { load, log, look } = this.context
    for (const [worker, { overdue, pressure: ref, servingSince }] of load.workers.entries()) {
      // A worker that loads its modules, or has ended, does not beat in time: it must not refuse its first requests for that.
      if (servingSince !== this.watched[worker]) this.begin(worker, ref, servingSince)
      if (servingSince === undefined) continue
      const known = this.stages[worker] as OverloadStage
      const before = known.stage
      const words = look.words(ref)
      // A worker that has not beaten yet is late by at least this much, and busy.
      const late = overdue(now)
      const told = Atomics.load(words, ref.slot + PressureWord.delay)
      const delay = Math.max(told, late)
      const utilization = late > told ? 1 : Atomics.load(words, ref.slot + PressureWord.utilization) / 1000
      const stage = known.look({ delay, utilization, memory, sockets }, options, now)
      if (stage === before) continue
      Atomics.store(words, ref.slot + PressureWord.judged, stage)
      if (options.mode === 'enforce') Atomics.store(words, ref.slot + PressureWord.stage, stage)
      const facts = {
        worker,
        mode: options.mode,
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

export const control: ControlFeature<OverloadOptions, undefined> = {
  start: (context) => new OverloadGuard(context),
}
