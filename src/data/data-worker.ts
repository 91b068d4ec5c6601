import { Mailboxes } from '../cells/mailbox.ts'
import { RingWriter } from '../cells/ring.ts'
import { CellSpace } from '../cells/space.ts'
import type { ListenerConfig } from '../core/config.ts'
import { failure } from '../core/failures.ts'
import type { AnyFeature } from '../core/feature.ts'
import { type FlightFilter, TAPS_FEED } from '../core/flight.ts'
import { OF_SLUICE } from '../core/link.ts'
import { type Pressure, PressureWord } from '../core/pressure.ts'
import { type ConfigHead, CRASHED, type FromWorker, type ToWorker, type WorkerStart } from '../core/protocol.ts'
import { WorkerMetrics } from '../core/series.ts'
import type { SpanDrop } from '../core/spans.ts'
import type { ClockHandle } from '../lib/clock.ts'
import type { EventClock } from '../lib/event-clock.ts'
import type { Random } from '../lib/random.ts'
import { scavenger } from '../lib/scavenge.ts'
import { TimerWheel } from '../lib/timers.ts'
import { loopUtilization } from '../lib/utilization.ts'
import { faultLog } from '../link/fault-log.ts'
import { DataPlane } from './engine/plane.ts'
import { createListener, type Listener } from './ingress/listener.ts'
import { BorrowedRequests } from './ingress/node/borrowed.ts'
import { WorkerLink } from './link/worker-link.ts'
import { AccessLog } from './seeing/access-log.ts'
import { FlightRecorder } from './seeing/flight-recorder.ts'
import { Recorder } from './seeing/recorder.ts'
import { WorkerTracing } from './seeing/tracing/worker-tracing.ts'
import { http1Transport } from './upstreams/transports/http1.ts'

const HEARTBEAT_MS = 250

/** What a worker gets of the thread that it runs in. */
export interface DataWorkerDeps {
  readonly clock: EventClock
  readonly random: Random
  readonly features: readonly AnyFeature[]
  /** Never throws. */
  readonly post: (message: FromWorker) => void
  /** Ends what it runs in; nothing of it runs afterwards. */
  readonly exit: (code: number) => void
}

/** A worker: the data plane, its listeners, and the messages of the control plane. It knows of no thread. */
export class DataWorker {
  private readonly post: (message: FromWorker) => void
  private readonly exit: (code: number) => void
  private readonly clock: EventClock
  private readonly timers: TimerWheel
  private readonly space: CellSpace
  private readonly mail: Mailboxes
  private readonly metrics: WorkerMetrics
  private readonly flights: FlightRecorder
  private readonly tracing: WorkerTracing
  private readonly link: WorkerLink
  private readonly plane: DataPlane
  private readonly utilization = loopUtilization()
  private readonly pressure: Pressure
  private beatDue: number
  private beating: ClockHandle = undefined
  private closed = false
  private readonly listeners = new Map<string, Listener>()
  /** Of listeners that are closed, and of which connections may still be open. */
  private readonly cuts = new Set<ClockHandle>()
  /** Requests of servers that are not ours; they come as if by the first listener. */
  readonly borrowed: BorrowedRequests
  private prepared: ConfigHead | undefined = undefined
  /** Of the live generation; undefined: there is none yet. */
  private head: ConfigHead | undefined = undefined
  private readonly start: WorkerStart
  /** Chunks are compiled one after another, in the order of their messages. */
  private compiling: Promise<void> = Promise.resolve()

  constructor(start: WorkerStart, { clock, exit, features, post, random }: DataWorkerDeps) {
    this.start = start
    this.beatDue = clock.now()
    this.clock = clock
    this.post = post
    this.exit = exit
    this.timers = new TimerWheel(clock)
    this.space = new CellSpace(start.workers, start.worker, start.sharing)
    this.space.add(start.pages)
    this.pressure = pressureOf(this.space.int32(start.pressure), start.pressure.slot + PressureWord.stage)
    this.mail = new Mailboxes(this.space, start.mailboxes)
    this.metrics = new WorkerMetrics(this.space, start.floats, post)
    this.flights = new FlightRecorder(
      clock,
      post,
      this.metrics.counter('sluice_flight_recorder_dropped_total', []),
      features,
    )
    const log = new AccessLog(start.ring && new RingWriter(start.ring), clock)
    const dropped = (reason: SpanDrop, spans: number): void =>
      this.metrics.counter('sluice_spans_dropped_total', [reason]).inc(spans)
    this.tracing = new WorkerTracing(dropped, clock, random, post)
    const lostEnds = this.metrics.counter('sluice_lost_ends_total', [])
    this.link = new WorkerLink({
      post,
      clock,
      timers: this.timers,
      fault: faultLog(clock, (error, facts) =>
        this.log('error', 'bug in a feature', { ...facts, ...described(error) }),
      ),
    })
    const taps = this.link.feed<readonly FlightFilter[]>(OF_SLUICE, TAPS_FEED)
    this.link.keep(() => taps.changed(() => this.flights.tap(taps.value ?? [])))
    this.plane = new DataPlane({
      space: this.space,
      clock,
      timers: this.timers,
      random,
      pressure: this.pressure,
      recorder: new Recorder(this.metrics, log, clock, { flights: this.flights, tracing: this.tracing }),
      tracing: this.tracing,
      transport: http1Transport(clock, this.timers, start.earlyCollection ? scavenger() : undefined),
      retired: (generation) => post({ type: 'retired', generation }),
      report: (notice) => post({ type: 'notice', notice }),
      mail: this.mail,
      link: this.link,
      features,
      metrics: this.metrics,
      lostEnd: () => lostEnds.inc(),
      bug: (error, facts) => this.log('error', 'bug in the data plane', { ...facts, ...described(error) }),
    })
    this.borrowed = new BorrowedRequests({
      listener: () => (this.head as ConfigHead).listeners[0] as ListenerConfig,
      handler: this.plane.engine,
      timers: this.timers,
      pressure: this.pressure,
      fault: (listener, rule) => this.fault(listener, rule),
    })
    this.beat()
  }

  /** It serves a config. */
  get live(): boolean {
    return this.head !== undefined
  }

  receive(message: ToWorker): void {
    const { link, plane } = this
    if (link.receive(message)) return
    switch (message.type) {
      case 'pages':
        this.space.add(message.pages)
        this.metrics.addPages(message.pages.filter((page) => page.kind === 'floats'))
        return
      case 'prepare':
        this.prepared = message.head
        this.post(plane.prepare(message.head))
        return
      case 'chunk':
        this.compiling = this.compiling.then(async () => this.post(await plane.chunk(message)))
        return
      case 'commit':
        this.commit(message)
        return
      case 'abort':
        plane.abort(message.generation)
        return
      case 'endpoints':
        plane.endpoints(message.sets)
        this.post({ type: 'updated', update: message.update })
        return
      case 'listen':
        void this.listen(message)
        return
      case 'close-listener':
        void this.closeListener(message)
        return
      case 'drain':
        for (const listener of this.listeners.values()) listener.drain()
        return
      case 'unlisten':
        void this.unlisten(message.ms)
        return
      case 'cut':
        this.cut()
        return
      case 'spans-taken':
        this.tracing.outbox.taken(message.records)
        return
      case 'hook':
        if (this.start.testHooks) this.misbehave(message)
    }
  }

  /** An uncaught error: exchanges without a head are answered, then the worker ends. */
  crash(error: unknown): void {
    this.log('error', 'uncaught error, the worker ends', described(error))
    this.plane.engine.crash(failure('internal', 'request', 'sluice'))
    this.exit(CRASHED)
  }

  /** Ends all that is left, for where its thread goes on: sockets and timers too. */
  close(): void {
    this.closed = true
    this.cut()
    for (const handle of [this.beating, ...this.cuts]) this.clock.cancel(handle)
    this.flights.flush()
    this.tracing.outbox.close()
  }

  private cut(): void {
    this.plane.close()
    this.mail.close()
    for (const listener of this.listeners.values()) listener.cut()
  }

  private commit({ cutAfter, generation }: Extract<ToWorker, { type: 'commit' }>): void {
    const answer = this.plane.commit(generation, cutAfter)
    if (answer.type === 'committed') this.head = this.prepared
    this.post(answer)
  }

  private async listen(message: Extract<ToWorker, { type: 'listen' }>): Promise<void> {
    const { clock, timers } = this
    const { id, listener: config, reusePort } = message
    const count = this.space.held(message.connections)
    const listener = createListener({
      config,
      clock,
      timers,
      handler: this.plane.engine,
      count,
      pressure: this.pressure,
      fault: (rule) => this.fault(config.name, rule),
      retired: (limit) => this.metrics.counter('sluice_connections_retired_total', [config.name, limit]).inc(),
    })
    this.listeners.set(id, listener)
    try {
      const port = await listener.listen(reusePort)
      // It was closed while it opened.
      if (this.closed) listener.cut()
      this.post({ type: 'listening', id, port })
    } catch (error) {
      this.listeners.delete(id)
      this.post({ type: 'listen-failed', id, code: (error as NodeJS.ErrnoException).code ?? 'unknown' })
    }
  }

  /** Its last connection is closed after `cutAfter` milliseconds. */
  private async closeListener({ id, cutAfter }: Extract<ToWorker, { type: 'close-listener' }>): Promise<void> {
    const listener = this.listeners.get(id)
    if (listener === undefined) return
    const endTunnels = this.plane.engine.leaveListener(listener.name, cutAfter)
    listener.drain()
    await listener.close()
    const cut = this.clock.after(cutAfter, () => {
      this.cuts.delete(cut)
      endTunnels()
      listener.cut()
      this.listeners.delete(id)
    })
    this.cuts.add(cut)
  }

  private fault(listener: string, rule: string): void {
    this.metrics.counter('sluice_client_faults_total', [listener, rule]).inc()
  }

  private async unlisten(ms: number): Promise<void> {
    this.borrowed.drain()
    this.plane.engine.leave(ms)
    await Promise.all([...this.listeners.values()].map((listener) => listener.close()))
    this.plane.engine.whenIdle(() => {
      this.flights.flush()
      this.tracing.outbox.flush()
      this.post({ type: 'idle' })
    })
  }

  private beat(): void {
    const { heartbeat, pressure } = this.start
    const now = this.clock.now()
    const words = this.space.int32(pressure)
    Atomics.store(this.space.int32(heartbeat), heartbeat.slot, Math.trunc(now))
    Atomics.store(words, pressure.slot + PressureWord.delay, Math.max(0, Math.trunc(now - this.beatDue)))
    Atomics.store(words, pressure.slot + PressureWord.utilization, Math.round(1000 * this.utilization()))
    const { answers, replay } = this.plane.engine
    Atomics.store(words, pressure.slot + PressureWord.requests, replay.held)
    Atomics.store(words, pressure.slot + PressureWord.answers, answers.held)
    this.beatDue = now + HEARTBEAT_MS
    this.beating = this.clock.after(HEARTBEAT_MS, () => this.beat())
  }

  private misbehave({ hook, ms }: Extract<ToWorker, { type: 'hook' }>): void {
    if (hook === 'exit') this.exit(1)
    else if (hook === 'throw') throw new Error('thrown by a test')
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
  }

  private log(level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>): void {
    this.post({ type: 'log', level, message, fields: { worker: this.start.worker, ...fields } })
  }
}

function pressureOf(words: Int32Array, at: number): Pressure {
  return {
    get stage() {
      return Atomics.load(words, at)
    },
  }
}

function described(error: unknown): Record<string, unknown> {
  return error instanceof Error ? { error: error.message, stack: error.stack } : { error: String(error) }
}
