import type { Downstream, Glimpse, Peer } from '../../core/downstream.ts'
import type { Exchange } from '../../core/exchange.ts'
import { type Failure, failure } from '../../core/failures.ts'
import type { TunnelNotice } from '../../core/tunnel.ts'
import type { Reply, WholeReply } from '../../core/verdict.ts'
import type { ClockHandle } from '../../lib/clock.ts'
import type { EventClock } from '../../lib/event-clock.ts'
import type { Random } from '../../lib/random.ts'
import type { TimerWheel } from '../../lib/timers.ts'
import { isRefusedTarget, normaliseTarget } from '../routing/target.ts'
import type { Recorder } from '../seeing/recorder.ts'
import { ByteBudget } from './byte-budget.ts'
import { CollectingDownstream } from './collect.ts'
import { routesOnWay } from './legs.ts'
import { Living } from './living.ts'
import { lookUp, writeDown } from './look-up.ts'
import { Run } from './request.ts'
import { type CompiledRoute, NO_ROUTE, type Snapshot } from './snapshot.ts'
import { Stalls, type Watched } from './stalls.ts'
import { watch } from './watched.ts'

/** What an engine depends on. */
export interface EngineDeps {
  readonly clock: EventClock
  readonly timers: TimerWheel
  readonly random: Random
  readonly recorder: Pick<Recorder, 'finish' | 'attempt' | 'side'>
  /** Makes our request IDs (UUIDv7). */
  readonly ids: { next(): string }
  /** Makes every other worker call `stalls.onMail`; undefined: there is no other. */
  readonly wakeOthers?: () => void
  /** A bug's stack; for the operational log only. */
  readonly bug: (error: unknown, facts: { readonly requestId: string; readonly route: string }) => void
  /** The sweep found an exchange that had ended while its run went on. */
  readonly lostEnd: () => void
}

const MALFORMED_BYTES = 16_384
/**
 * Longer than the turns of the event loop that a close takes: a run whose client is gone at two looks in a row missed the
 * end.
 */
const SWEEP_MS = 1_000
const LISTENER_CLOSED = failure(
  'draining',
  'upgrade',
  'operator',
  'The listener has closed, and drain.timeout has passed.',
)
const ROUTE_CHANGED = failure('draining', 'request', 'operator', 'The route has changed, and drain.timeout has passed.')

/** Runs exchanges on the current snapshot. */
export class Engine {
  readonly clock: EventClock
  readonly timers: TimerWheel
  readonly random: Random
  readonly recorder: Pick<Recorder, 'finish' | 'attempt' | 'side'>
  readonly ids: EngineDeps['ids']
  /** Of bodies of requests. */
  readonly replay: ByteBudget = new ByteBudget()
  /** Of answers that wait for their clients. */
  readonly answers: ByteBudget = new ByteBudget()
  /** The one mutable pointer; a run keeps the snapshot it began with. */
  current: Snapshot | undefined = undefined
  readonly stalls: Stalls
  private readonly living = new Living<Run>()
  private readonly report: EngineDeps['bug']
  private readonly lostEnd: EngineDeps['lostEnd']
  private sweeping: ClockHandle = undefined
  private idle: (() => void) | undefined = undefined
  /** The worker ends: holds for every tunnel, also for those that still begin. */
  notice: TunnelNotice | undefined = undefined

  constructor(deps: EngineDeps) {
    this.clock = deps.clock
    this.timers = deps.timers
    this.random = deps.random
    this.recorder = deps.recorder
    this.ids = deps.ids
    this.report = deps.bug
    this.lostEnd = deps.lostEnd
    this.stalls = new Stalls(deps.clock, deps.wakeOthers ?? (() => {}))
  }

  /** Exchanges that have not ended. */
  get running(): number {
    return this.living.size
  }

  /** Takes an exchange over. `refusal`: the listener found it unacceptable. Never throws. */
  handle(downstream: Downstream, refusal?: Failure): void {
    const { clock } = this
    const stopped = clock.begin()
    try {
      this.begin(downstream, refusal)
    } finally {
      if (stopped) clock.end()
    }
  }

  private begin(downstream: Downstream, refusal: Failure | undefined): void {
    const snapshot = this.live
    const { pathPolicy, routes } = snapshot
    const target =
      refusal === undefined ? normaliseTarget(downstream.target, pathPolicy, downstream.peer.listener) : undefined
    const found = target === undefined ? undefined : lookUp(routes, downstream, target)
    const hit = found !== undefined && 'value' in found ? found : undefined
    const run = this.enter(downstream, snapshot, hit?.value)
    if (target !== undefined && !isRefusedTarget(target)) writeDown(run.ex, target, routes, hit)
    try {
      if (hit !== undefined) run.start()
      else run.answer(refusal ?? (found as Reply | Failure))
    } catch (error) {
      run.onBug(error)
    }
  }

  /** For input that never became a request: the answer to send before closing. It is recorded like any request. */
  malformed(peer: Peer, refusal: Failure, seen: Glimpse): WholeReply | undefined {
    let answer: WholeReply | undefined
    this.handle(
      new CollectingDownstream(peer, { ...seen, headers: [], body: undefined }, MALFORMED_BYTES, (reply) => {
        answer = reply
      }),
      refusal,
    )
    return answer
  }

  /** A request of a feature, to be started: runs and drains like any other. `parent`: for which it is made. */
  side(downstream: Downstream, route: CompiledRoute, snapshot: Snapshot, parent: Exchange | undefined): Run {
    const run = new Run(this, snapshot, downstream, route)
    const { ex } = run
    ex.kind = 'side'
    if (parent === undefined) {
      snapshot.identity.begin(ex)
      snapshot.sampler?.begin(ex)
    } else {
      ex.isFor(parent)
      snapshot.sampler?.beginBelow(ex, parent)
    }
    this.take(run)
    return run
  }

  /** There is one from the first commit on. */
  get live(): Snapshot {
    return this.current as Snapshot
  }

  /** The live snapshot, or another one with which a request began, if it has that; undefined: none has. */
  snapshotWith(has: (snapshot: Snapshot) => boolean): Snapshot | undefined {
    return has(this.live) ? this.live : this.living.all().find(({ snapshot }) => has(snapshot))?.snapshot
  }

  /** A feature has a bug. */
  failed(error: unknown): void {
    this.report(error, { requestId: '-', route: '-' })
  }

  private enter(downstream: Downstream, snapshot: Snapshot, route: CompiledRoute | undefined): Run {
    const run = new Run(this, snapshot, downstream, route)
    snapshot.identity.identify(run.ex)
    snapshot.sampler?.begin(run.ex)
    this.take(run)
    return run
  }

  private take(run: Run): void {
    run.snapshot.enter()
    this.living.add(run)
    run.downstream.attach(run)
    if (this.sweeping === undefined) this.sweepLater()
  }

  private sweepLater(): void {
    this.sweeping = this.clock.after(SWEEP_MS, () => {
      this.sweeping = undefined
      this.sweep()
      if (this.living.size > 0) this.sweepLater()
    })
  }

  /**
   * Whatever ends a connection or an exchange ends its run. If an end were missed, what the run holds (permits, slots,
   * tickets) would be lost for good: two sweeps in a row give it back, and report it. They must find none.
   */
  sweep(): void {
    const now = this.clock.now()
    const watched: Watched[] = []
    for (const run of this.living.all()) {
      const { gone } = run.tunnel?.isOpen === true ? run.tunnel : run.downstream
      if (!gone) run.suspect = false
      else if (!run.suspect) run.suspect = true
      else {
        this.lostEnd()
        run.abandon(new Error('an exchange ended, and its run was not told'))
      }
      const one = watch(run, now)
      if (one !== undefined) watched.push(one)
    }
    this.stalls.look(watched)
  }

  bug(ex: Exchange, error: unknown): void {
    this.report(error, { requestId: ex.requestId, route: ex.route?.name ?? '-' })
  }

  /** @internal */
  left(run: Run, snapshot: Snapshot): void {
    this.living.remove(run)
    snapshot.leave()
    this.settleIdle()
  }

  /** Calls back once no exchange is running; at once if none is. */
  whenIdle(then: () => void): void {
    this.idle = then
    this.settleIdle()
  }

  /** Ends every exchange: with an answer if none began, else with a visible break. */
  cut(why: Failure): void {
    for (const run of this.living.all()) run.fail(why)
  }

  /** Answers or breaks what runs; no timer is left. */
  close(why: Failure): void {
    this.cut(why)
    // They have their FIN, and no clock counts the time for an answer to it.
    for (const run of this.living.all()) if (run.tunnel?.isOpen === true) run.finish()
    this.clock.cancel(this.sweeping)
    this.stalls.close()
  }

  /** The thread ends now: what still runs is recorded, with the part of its answer sent so far. */
  crash(why: Failure): void {
    this.cut(why)
    for (const run of this.living.all()) run.finish()
  }

  /** Tells the tunnels that the worker ends, and those that still begin: they have `ms`. */
  leave(ms: number): void {
    this.notice = { why: 'drain', by: this.clock.now() + ms }
    for (const run of this.living.all()) run.tunnel?.heed(this.notice)
  }

  /**
   * Tells the tunnels of a listener that closes: they have `ms`. The call that it returns ends those that are left in order,
   * before their connections are cut.
   */
  leaveListener(listener: string, ms: number): () => void {
    // Another listener of that name may be open by now.
    const runs = this.living.all().filter((run) => isOn(run, listener, this.live.generation))
    this.reloaded(runs, ms)
    return () => {
      for (const run of runs) if (run.tunnel?.isOpen === true) run.fail(LISTENER_CLOSED)
    }
  }

  /** Tells the tunnels that began before `since` on routes that have changed or are gone: they have `ms`. */
  leaveChanged(since: Snapshot, ms: number): void {
    this.reloaded(this.changed(since), ms)
  }

  /** Ends exchanges that began before `since` on routes that have changed or are gone. */
  cutChanged(since: Snapshot): void {
    for (const run of this.changed(since)) run.fail(ROUTE_CHANGED)
  }

  private reloaded(runs: readonly Run[], ms: number): void {
    const notice: TunnelNotice = { why: 'reload', by: this.clock.now() + ms }
    for (const run of runs) {
      run.notice = notice
      run.tunnel?.heed(notice)
    }
  }

  private changed(since: Snapshot): readonly Run[] {
    const isOther = ({ effect, name }: CompiledRoute): boolean =>
      (since.routesByName.get(name)?.effect ?? NO_ROUTE) !== effect
    return this.living
      .all()
      .filter((run) => run.snapshot.generation < since.generation && routesOnWay(run).some(isOther))
  }

  private settleIdle(): void {
    if (this.living.size > 0) return
    const { idle } = this
    this.idle = undefined
    idle?.()
  }
}

/** It came over a listener of that name before this generation. */
function isOn({ downstream, snapshot }: Run, listener: string, generation: number): boolean {
  return downstream.peer.listener === listener && snapshot.generation < generation
}
