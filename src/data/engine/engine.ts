import type { Downstream, Peer } from '../../core/downstream.ts'
import { Exchange } from '../../core/exchange.ts'
import { type Failure, failure } from '../../core/failures.ts'
import type { Reply } from '../../core/policy.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'
import type { TimerWheel } from '../../lib/timers.ts'
import type { Recorder } from '../../telemetry/finish.ts'
import { isRefusedTarget, normaliseTarget } from '../routing/target.ts'
import { ReplayBudget } from './replay.ts'
import { Run } from './run.ts'
import type { CompiledRoute, Snapshot } from './snapshot.ts'

/** What an engine lives on. */
export interface EngineDeps {
  readonly clock: Clock
  readonly timers: TimerWheel
  readonly random: Random
  readonly recorder: Recorder
  /** Makes our request IDs (UUIDv7). */
  readonly requestId: () => string
  /** A bug's stack; for the operational log only. */
  readonly bug: (error: unknown, facts: { readonly requestId: string; readonly route: string }) => void
}

const ALL_METHODS = ['allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS', 'content-length', '0']

/** Runs exchanges on the current snapshot. */
export class Engine {
  readonly clock: Clock
  readonly timers: TimerWheel
  readonly random: Random
  readonly recorder: Recorder
  readonly requestId: () => string
  readonly replay: ReplayBudget = new ReplayBudget()
  /** The one mutable pointer; a run keeps the snapshot it began with. */
  current: Snapshot | undefined = undefined
  private readonly living = new Set<Run>()
  private readonly report: EngineDeps['bug']
  private idle: (() => void) | undefined = undefined

  constructor(deps: EngineDeps) {
    this.clock = deps.clock
    this.timers = deps.timers
    this.random = deps.random
    this.recorder = deps.recorder
    this.requestId = deps.requestId
    this.report = deps.bug
  }

  /** Exchanges that have not ended. */
  get running(): number {
    return this.living.size
  }

  /** Takes an exchange over. `refusal`: the listener found it unacceptable. Never throws. */
  handle(downstream: Downstream, refusal?: Failure): void {
    const snapshot = this.current as Snapshot
    const target = refusal === undefined ? normaliseTarget(downstream.target, snapshot.dots) : undefined
    let route: CompiledRoute | undefined
    let params: readonly string[] | undefined
    let answer: Reply | Failure | undefined = refusal
    if (target !== undefined) {
      if (downstream.target === '*') answer = { status: 204, headers: ALL_METHODS, body: undefined }
      else if (isRefusedTarget(target)) answer = failure(target.reason, 'request', 'client', target.detail)
      else {
        const found = snapshot.routes.find({
          host: downstream.host,
          path: target.path,
          query: target.query,
          method: downstream.method,
          headers: downstream.headers,
        })
        if (found === undefined) answer = failure('no_route', 'request', 'client')
        else if ('allow' in found) answer = notAllowed(found.allow)
        else {
          route = found.value
          params = found.params
        }
      }
    }
    const run = new Run(this, snapshot, downstream, route)
    const { ex } = run
    snapshot.identity.identify(ex)
    if (target !== undefined && !isRefusedTarget(target)) {
      ex.path = target.path
      ex.query = target.query
      ex.forwardTarget = target.forward
    }
    ex.params = params
    snapshot.enter()
    this.living.add(run)
    downstream.attach(run)
    try {
      if (answer === undefined) run.start()
      else run.answer(answer)
    } catch (error) {
      run.onBug(error)
    }
  }

  /** For input that never became a request: who it came from and what was wrong. It is recorded like any other. */
  reject(downstream: Downstream, refusal: Failure): void {
    this.handle(downstream, refusal)
  }

  bug(ex: Exchange, error: unknown): void {
    this.report(error, { requestId: ex.requestId, route: ex.route?.name ?? '-' })
  }

  /** @internal A run has ended. */
  left(run: Run, snapshot: Snapshot): void {
    this.living.delete(run)
    snapshot.leave()
    if (this.living.size === 0) this.settleIdle()
  }

  /** Calls back once no exchange is running; at once if none is. */
  whenIdle(then: () => void): void {
    this.idle = then
    if (this.living.size === 0) this.settleIdle()
  }

  /** Ends every exchange: an answer where none began, a visible break where one did. */
  cut(): void {
    for (const run of [...this.living]) run.cut()
  }

  private settleIdle(): void {
    const { idle } = this
    this.idle = undefined
    idle?.()
  }
}

function notAllowed(allow: readonly string[]): Failure {
  return { ...failure('method_not_allowed', 'request', 'client'), headers: ['allow', allow.join(', ')] }
}

export type { Peer }
