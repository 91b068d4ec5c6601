import type { CellRef } from '../../cells/pages.ts'
import { sameCode } from '../../core/plugin.ts'
import type { FromWorker, WorkerStart } from '../../core/protocol.ts'
import type { Gauges } from '../../core/series.ts'
import type { ClockHandle } from '../../lib/clock.ts'
import { EXIT_REASONS, type ExitReason, type WorkerFacts } from '../contract.ts'
import { bufferedBytes } from './buffered.ts'
import type { CrewEvents, CrewOptions, Gear } from './crew-options.ts'
import { BEAT_MS, beatAge, HeartbeatWatch, type Pulse } from './heartbeat.ts'
import { takeNews } from './news.ts'
import { FailedReplacements } from './restarts.ts'
import { exitReason } from './running-worker.ts'
import { WorkerSlot } from './slot.ts'

const MEASURE_MS = 5_000
/** A thread that has not reported by then is ended, milliseconds. */
const START_MS = 30_000
/** Without any worker for this time, milliseconds, the process should end, so that its supervisor starts it again. */
const LOST_MS = 30_000

/** The life of workers: starts them, watches their heartbeats, ends and replaces them. */
export class Crew {
  readonly gauges: Gauges = {
    sluice_worker_restarts_total: () => Array.from(this.replaced, ([reason, value]) => ({ labels: [reason], value })),
    sluice_worker_utilization_ratio: () =>
      this.present.map(({ utilization, worker }) => ({ labels: [String(worker)], value: utilization })),
    sluice_buffered_bytes: () => this.present.flatMap((slot) => bufferedBytes(slot, this.options.registry)),
  }
  /** Of all worker numbers. */
  readonly slots: readonly WorkerSlot[]
  /** What workers are started with from now on. */
  gear: Gear
  private readonly mailboxes: readonly CellRef[]
  private readonly options: CrewOptions
  private readonly events: CrewEvents
  private readonly watch: HeartbeatWatch
  private readonly failures = new FailedReplacements()
  /** From 0 on: a counter that begins with 1 hides its first step from rates. */
  private readonly exits = new Map<ExitReason, number>(EXIT_REASONS.map((reason) => [reason, 0]))
  private ticking: ClockHandle = undefined
  /** Clock time of the latest beat of a serving worker that was seen; -Infinity: none has served yet. */
  private beatenAt = Number.NEGATIVE_INFINITY
  private measuredAt = Number.NEGATIVE_INFINITY
  private lost = false
  private closing = false
  private onStartFailure: ((error: Error) => void) | undefined = undefined

  constructor(options: CrewOptions, events: CrewEvents) {
    const cells = options.registry.lease()
    this.options = options
    this.events = events
    this.slots = Array.from(
      { length: options.registry.workers },
      (_, i) => new WorkerSlot(i, cells.heartbeat(i), cells.pressure(i)),
    )
    for (const slot of this.slots.slice(0, options.workers)) slot.active = true
    this.gear = options
    this.mailboxes = this.slots.map(({ worker }) => cells.mailbox(worker))
    this.watch = new HeartbeatWatch(options.clock.now())
  }

  /** Starts all; resolves when each speaks the protocol, rejects when one of them ends or stays silent. */
  async start(): Promise<void> {
    const failed = new Promise<never>((_, reject) => {
      this.onStartFailure = reject
    })
    this.look()
    for (const slot of this.present) this.spawn(slot)
    try {
      await Promise.race([failed, Promise.all(this.present.map(ready))])
    } finally {
      this.onStartFailure = undefined
    }
  }

  /** Those that serve, are to serve, or still have something to end. */
  get present(): readonly WorkerSlot[] {
    return this.slots.filter(({ active, thread }) => active || thread !== undefined)
  }

  /**
   * Starts one more worker, which is to take the place of another; resolves when it speaks the protocol. It is not replaced
   * before it is `active`.
   */
  async successor(gear: Gear): Promise<WorkerSlot> {
    const slot = this.slots.find(({ active, thread }) => !active && thread === undefined)
    if (slot === undefined) throw new Error('no worker number is free')
    this.spawn(slot, gear)
    try {
      await ready(slot)
    } catch (error) {
      await slot.thread?.terminate()
      throw error
    }
    return slot
  }

  /** Whether the workers that there are can run what needs this. */
  suits({ plugins, reads }: Gear): boolean {
    return sameCode(plugins, this.gear.plugins) && this.slots.every(({ thread }) => thread?.mayRead(reads) !== false)
  }

  /** From now on it serves, and is started again whenever it ends; also at once, if it has ended. */
  enlist(slot: WorkerSlot): void {
    slot.active = true
    if (!this.closing && slot.thread === undefined) this.spawn(slot)
  }

  /** From now on it is not started again: another has its place, and may take its number once its thread is gone. */
  dismiss(slot: WorkerSlot): void {
    slot.active = false
    this.forgetRestart(slot)
  }

  /** From now on no worker is replaced. */
  close(): void {
    this.closing = true
    for (const slot of this.slots) this.forgetRestart(slot)
  }

  /** Ends all threads. */
  async stop(): Promise<void> {
    this.close()
    this.options.clock.cancel(this.ticking)
    await Promise.all(this.slots.map((slot) => slot.thread?.terminate()))
  }

  /** Ends a thread; another one takes its number once it is gone. */
  end(slot: WorkerSlot, reason: ExitReason): void {
    if (slot.thread === undefined || slot.ending !== undefined) return
    slot.ending = reason
    void slot.thread.terminate()
  }

  /** Workers replaced so far, by reason. */
  get replaced(): ReadonlyMap<ExitReason, number> {
    return this.exits
  }

  facts(): WorkerFacts[] {
    const { registry, clock } = this.options
    const now = clock.now()
    return this.present.map((slot) => ({
      worker: slot.worker,
      state: slot.state,
      heartbeatAge: slot.thread && Math.max(0, beatAge(registry.read(slot.heartbeat), now)),
      restarts: slot.restarts,
      generation: slot.generation,
    }))
  }

  /** Milliseconds without a beat of any serving worker; Infinity: none has served yet. */
  get silence(): number {
    const now = this.options.clock.now()
    const at = this.latestBeat(now)
    return at === Number.NEGATIVE_INFINITY ? Number.POSITIVE_INFINITY : this.watch.elapsed(at, now)
  }

  /** Milliseconds since our own loop last looked. */
  get loopAge(): number {
    return this.options.clock.now() - this.watch.lookedAt
  }

  /** Five replacements within a minute ended before they served. */
  get replacingFails(): boolean {
    return this.failures.tooMany(this.options.clock.now())
  }

  private forgetRestart(slot: WorkerSlot): void {
    this.options.clock.cancel(slot.restart)
    slot.restart = undefined
  }

  private spawn(slot: WorkerSlot, { plugins, reads }: Gear = this.gear): void {
    const { startWorker, state, registry, rings, metrics, limits, clock, earlyCollection, testHooks } = this.options
    const { worker, heartbeat, pressure } = slot
    // A number has one thread: what is started now is not started once more.
    this.forgetRestart(slot)
    const now = clock.now()
    const page = registry.metricPage(worker, 0)
    metrics.addPage(worker, page)
    registry.write(heartbeat, Math.trunc(now))
    const start: WorkerStart = {
      worker,
      workers: registry.workers,
      sharing: this.options.workers,
      plugins,
      pages: registry.pages.slice(),
      floats: [page],
      heartbeat,
      pressure,
      mailboxes: this.mailboxes,
      ring: rings[worker],
      earlyCollection,
      testHooks,
    }
    const onMessage = (message: FromWorker): void => this.receive(slot, message)
    const onExit = (error: Error | undefined): void => this.exited(slot, error)
    const thread = startWorker({ start, limits, reads, state, clock, onMessage, onExit })
    slot.begin(thread, now, start.pages.length)
  }

  private receive(slot: WorkerSlot, message: FromWorker): void {
    const { metrics, registry } = this.options
    if (message.type === 'ready') {
      slot.ready = true
      this.events.ready(slot)
    } else if (message.type === 'want-page') {
      const page = registry.metricPage(slot.worker, slot.metricPages++)
      metrics.addPage(slot.worker, page)
      slot.thread?.post({ type: 'pages', pages: [page] })
    } else if (!takeNews(this.options, slot, message)) this.events.message(slot, message)
  }

  private exited(slot: WorkerSlot, error: Error | undefined): void {
    const { clock, log, metrics, registry } = this.options
    const { worker } = slot
    const now = clock.now()
    const reason = slot.ending ?? exitReason(error)
    const served = slot.serving
    slot.thread = undefined
    this.options.requestsLost(worker, reason, registry.inFlightOf(worker))
    registry.zeroColumn(worker)
    // Its permits are free: waiters in other workers must look.
    const mail = registry.mail(this.mailboxes)
    for (const other of this.slots) mail.post(other.worker)
    metrics.fold(worker)
    if (this.closing || !slot.active) {
      this.events.gone(slot)
      return
    }
    if (!served && slot.restarts > 0) this.failures.note(now)
    slot.restarts++
    this.exits.set(reason, (this.exits.get(reason) ?? 0) + 1)
    const delay = slot.delay.next(now - slot.startedAt)
    log.error('a worker ended and is replaced', { worker, reason, in_ms: delay, ...(error && { error }) })
    this.onStartFailure?.(error ?? new Error(`worker ${worker} ended while it started (${reason})`))
    slot.restart = clock.after(delay, () => this.enlist(slot))
    this.events.gone(slot)
  }

  private look(): void {
    const { clock } = this.options
    this.ticking = clock.after(BEAT_MS, () => this.look())
    const now = clock.now()
    this.watch.look(now)
    this.beatenAt = this.latestBeat(now)
    for (const slot of this.slots) if (slot.thread !== undefined && slot.ending === undefined) this.judge(slot, now)
    if (now - this.measuredAt >= MEASURE_MS) {
      this.measuredAt = now
      for (const slot of this.slots) slot.utilization = slot.thread?.measureUtilization() ?? 0
    }
    this.events.looked()
    const { silence } = this
    if (this.lost || this.closing || silence <= LOST_MS || silence === Number.POSITIVE_INFINITY) return
    this.lost = true
    this.events.lost()
  }

  private latestBeat(now: number): number {
    let latest = this.beatenAt
    for (const { heartbeat, serving, thread } of this.slots) {
      if (thread === undefined || !serving) continue
      latest = Math.max(latest, now - Math.max(0, beatAge(this.options.registry.read(heartbeat), now)))
    }
    return latest
  }

  /** It beats when it has loaded its modules: on a busy machine that takes longer than any beat may. */
  private starting({ startedAt }: WorkerSlot, now: number): Pulse {
    return this.watch.elapsed(startedAt, now) > START_MS ? 'hung' : 'beating'
  }

  private judge(slot: WorkerSlot, now: number): void {
    const { log, registry } = this.options
    const { worker } = slot
    const seen = slot.ready ? this.watch.judge(registry.read(slot.heartbeat), now) : this.starting(slot, now)
    const pulse = seen === 'hung' && now < slot.sparedUntil ? 'stalled' : seen
    const before = slot.pulse
    slot.pulse = pulse
    if (pulse === 'hung') this.end(slot, 'hung')
    else if (pulse !== before && slot.serving) {
      if (pulse === 'stalled') log.warn('a worker has stalled', { worker })
      else log.info('a worker goes on after a stall', { worker })
    }
  }
}

/** It speaks the protocol; rejects when it ends or stays silent. */
async function ready({ thread }: WorkerSlot): Promise<void> {
  await thread?.when(START_MS, (message) => (message.type === 'ready' ? true : undefined))
}
