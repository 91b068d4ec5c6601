import type { Attempt } from '../../core/attempt.ts'
import type { Exchange } from '../../core/exchange.ts'
import { type Failure, failure } from '../../core/failures.ts'
import type { NoRetry } from '../../core/note.ts'
import { GOOD, type HeadVerdict, OVERTAKEN, outcomeClass } from '../../core/outcome.ts'
import type { TransportFailure, TransportRequest } from '../../core/transport.ts'
import type { Clock } from '../../lib/clock.ts'
import { type FlatHeaders, fieldValue } from '../../lib/headers.ts'
import type { Latencies } from '../../lib/latencies.ts'
import { retryAfterMs } from '../../lib/retry-after.ts'
import { Timer, type TimerWheel } from '../../lib/timers.ts'
import type { Recorder } from '../../telemetry/finish.ts'
import type { Endpoint } from '../upstreams/endpoint.ts'
import type { Ticket } from '../upstreams/pool.ts'
import type { Upstream } from '../upstreams/upstream.ts'
import { attempted, unusable } from './attempt-hooks.ts'
import type { Chain } from './chain.ts'
import { type Candidate, Choice, type ChoiceOwner } from './choice.ts'
import type { AttemptPlan } from './plan.ts'
import type { RequestBody } from './replay.ts'
import { type AnswerSink, Try, type TryOwner } from './try.ts'

/** What the loop needs of the exchange's run. */
export interface AttemptsHost {
  readonly ex: Exchange
  readonly clock: Clock
  readonly timers: TimerWheel
  readonly body: RequestBody | undefined
  /** Milliseconds in which the request body moved so far; attempt clocks stand still meanwhile. */
  movedMs(): number
  readonly bodyMoving: boolean
  /** Bytes that tries announce: 0 none, -1 not known. */
  readonly bodyLength: number
  onInformational(status: number, headers: FlatHeaders): void
  /** There is an answer to relay. undefined: it is not wanted, and everything was stopped. */
  onAnswer(tri: Try, status: number, headers: FlatHeaders): AnswerSink | undefined
  /** No try gave one, and no further one can start. */
  onNoAnswer(failure: Failure): void
  readonly recorder: Pick<Recorder, 'attempt' | 'budgetSpent'>
  /** A policy's hook threw. */
  onBug(error: unknown): void
}

const HEDGE_QUANTILE = 0.95

/**
 * The one loop of attempts: "how often do we call the upstream?" is answered here. Tries one endpoint after another, as the
 * plan says, until there is an answer to relay or nothing is left to try.
 */
export class Attempts implements TryOwner, ChoiceOwner {
  readonly ex: Exchange
  readonly clock: Clock
  readonly timers: TimerWheel
  private readonly host: AttemptsHost
  private readonly plan: AttemptPlan
  private readonly chain: Chain
  private readonly choice: Choice
  private readonly latencies: Latencies
  /** Length of the fields that all tries have in common. */
  private readonly shared: number
  private current: Try | undefined = undefined
  /** The first try, while a hedge runs beside it. */
  private first: Try | undefined = undefined
  private hedging: Timer | undefined = undefined
  private movedAtStart = 0
  private backoff: Timer | undefined = undefined
  /** Waits for its backoff to end. */
  private pending: Candidate | undefined = undefined
  private went: Candidate | undefined = undefined
  private stopped = false

  constructor(
    host: AttemptsHost,
    plan: AttemptPlan,
    chain: Chain,
    upstreams: readonly Upstream[],
    latencies: Latencies,
  ) {
    this.host = host
    this.ex = host.ex
    this.clock = host.clock
    this.timers = host.timers
    this.plan = plan
    this.chain = chain
    this.choice = new Choice(this, chain, upstreams, plan.maxTries)
    this.latencies = latencies
    this.shared = (host.ex.forwardHeaders as string[]).length
  }

  start(): void {
    this.proceed(failure('no_endpoint', 'connect', 'upstream'))
  }

  /** Ends whatever runs. `why`: the verdict on it when its head had not come. */
  stop(why: HeadVerdict): void {
    this.stopped = true
    if (this.backoff !== undefined) this.timers.cancel(this.backoff)
    this.cancelHedge()
    this.host.body?.detach()
    const { current, first, pending } = this
    this.pending = undefined
    if (pending !== undefined) this.choice.drop(pending)
    this.current = undefined
    this.first = undefined
    if (first !== undefined) this.end(first, why)
    if (current !== undefined) this.end(current, why)
  }

  private end(tri: Try, why: HeadVerdict): void {
    tri.abort()
    if (tri.at.head === undefined) this.conclude(tri, why)
  }

  /** The request body ceased to move: the attempt's clock goes on. */
  bodyStopped(): void {
    if (this.current !== undefined) this.limit(this.current)
  }

  /** Where the current try is, for a deadline's failure. */
  get phase(): Failure['phase'] {
    const current = this.current
    if (current === undefined || current.waiting) return 'queue'
    if (current.at.connectedAt === 0) return 'connect'
    return this.host.bodyMoving ? 'send' : 'headers'
  }

  onWantBody(ticket: Ticket): void {
    this.host.body?.feed(ticket)
  }

  onBodyDrain(): void {
    this.host.body?.onDrain()
  }

  onInformational(status: number, headers: FlatHeaders): void {
    this.host.onInformational(status, headers)
  }

  onHead(tri: Try, status: number, headers: FlatHeaders): AnswerSink | undefined {
    this.conclude(tri, status >= 500 ? { outcome: status, reason: undefined, ignored: false } : GOOD)
    if (this.first !== undefined && this.plan.retriesOn(status)) {
      this.leaveToOther(tri)
      return undefined
    }
    this.prefer(tri)
    if (this.plan.retriesOn(status) && this.mayRepeat(true)) {
      const next = this.choice.next()
      const wait = next && this.waitAfter(tri, headers, next)
      if (next !== undefined && wait === undefined) this.choice.drop(next)
      else if (next !== undefined && wait !== undefined) {
        this.current = undefined
        const unfinished = this.host.body !== undefined && !this.host.body.delivered
        this.host.body?.detach()
        if (unfinished) tri.abort()
        this.later(next, wait)
        return undefined
      }
    }
    if (status >= 500 && unusable(this.host, this.chain, status)) {
      this.current = undefined
      this.host.onNoAnswer(failure('upstream_error', 'headers', 'upstream'))
      return undefined
    }
    return this.host.onAnswer(tri, status, headers)
  }

  onFailure(tri: Try, facts: TransportFailure): void {
    if (this.first !== undefined) {
      const outcome = outcomeClass(facts.reason) ?? 'ok'
      this.conclude(tri, { outcome, reason: facts.reason, ignored: outcome === 'ok' })
      this.leaveToOther(tri)
      return
    }
    this.cancelHedge()
    this.current = undefined
    this.host.body?.detach()
    const failed = {
      ...failure(facts.reason, facts.phase, 'upstream'),
      ...(facts.proxyStatus && { proxyStatus: facts.proxyStatus }),
    }
    const outcome = outcomeClass(facts.reason)
    if (outcome === undefined) {
      // Refused before dispatch: no try, teaches nobody, and the next candidate follows at once.
      this.host.ex.attempts--
      this.choice.refused(this.went as Candidate)
      this.verdict(tri.at, { outcome: 'ok', reason: facts.reason, ignored: true })
      this.proceed({ ...failed, origin: 'sluice' })
      return
    }
    this.conclude(tri, { outcome, reason: facts.reason, ignored: false })
    if (!this.mayRepeat(facts.bytesSent, this.plan.retriesOn(outcome))) {
      this.host.onNoAnswer(failed)
      return
    }
    const next = this.choice.next()
    if (next === undefined) this.host.onNoAnswer(failed)
    else this.later(next, this.backoffMs())
  }

  private proceed(otherwise: Failure): void {
    const next = this.choice.next()
    if (next === undefined) this.host.onNoAnswer(this.choice.refusal ?? otherwise)
    else this.dispatch(next)
  }

  private mayRepeat(bytesSent: boolean, wanted = true): boolean {
    const because = wanted ? this.obstacle(bytesSent) : 'condition'
    if (because !== undefined) this.ex.note({ at: this.clock.now(), kind: 'no_retry', because })
    return because === undefined
  }

  /** Why no further try may follow. */
  private obstacle(bytesSent: boolean): NoRetry | undefined {
    const { ex, body } = this.host
    if (ex.attempts >= this.plan.maxTries) return 'attempts'
    if (ex.priorAttempts > 0) return 'prior'
    if (bytesSent && !this.plan.repeats(ex.method)) return 'method'
    if (body !== undefined && !body.repeatable) return 'body'
    // What can't be done in the time that is left is not begun.
    const now = this.clock.now()
    return now + this.backoffMs() + this.latencies.median(now) < ex.deadline ? undefined : 'time'
  }

  private backoffMs(): number {
    const { attempts, requestId } = this.host.ex
    return this.plan.backoffMs(attempts, requestId)
  }

  /**
   * Milliseconds until the next try. What `Retry-After` asks for counts where the same endpoint is next; undefined: it asks
   * for more than may be waited.
   */
  private waitAfter(tri: Try, headers: FlatHeaders, next: Candidate): number | undefined {
    const backoff = this.backoffMs()
    if (next.endpoint !== tri.endpoint) return backoff
    const asked = retryAfterMs(fieldValue(headers, 'retry-after') ?? '', this.clock.wall()) ?? 0
    if (asked <= backoff) return backoff
    return asked <= this.plan.retryAfterCap && this.clock.now() + asked < this.host.ex.deadline ? asked : undefined
  }

  private later(next: Candidate, ms: number): void {
    if (this.stopped) {
      this.choice.drop(next)
      return
    }
    this.pending = next
    this.backoff = new Timer(() => {
      this.pending = undefined
      this.dispatch(next)
    })
    this.timers.schedule(this.backoff, ms)
  }

  onUnused(at: Attempt, head: HeadVerdict): void {
    this.verdict(at, head)
  }

  onBudgetSpent(upstream: string): void {
    this.host.recorder.budgetSpent(upstream)
  }

  onBug(error: unknown): void {
    this.host.onBug(error)
  }

  private dispatch(candidate: Candidate): void {
    const { ex, body } = this.host
    const { at, endpoint } = candidate
    if (this.stopped) {
      this.choice.drop(candidate)
      return
    }
    ex.attempts++
    ex.begin(at)
    // It was chosen before its backoff.
    if (at.number > 1) at.startedAt = this.clock.now()
    this.went = candidate
    this.choice.go(candidate)
    const tri = new Try(this, at, endpoint)
    this.current = tri
    this.movedAtStart = this.host.movedMs()
    const ticket = endpoint.pool.start(this.request(endpoint), tri)
    tri.begun(ticket)
    if (this.current === tri && at.headAt === 0) this.limit(tri)
    if (body !== undefined && this.current !== tri) body.detach()
    if (this.plan.hedge !== undefined && at.number === 1 && this.current === tri) this.scheduleHedge()
  }

  /** Tail latency is cut by asking twice: Dean and Barroso, "The Tail at Scale" (CACM 56(2), 2013). */
  private scheduleHedge(): void {
    const { host, plan } = this
    if (host.body !== undefined || !plan.repeats(host.ex.method)) return
    const delay = plan.hedge?.delay ?? this.latencies.quantile(HEDGE_QUANTILE, this.clock.now())
    if (delay === undefined) return
    this.hedging = new Timer(() => this.hedge())
    this.timers.schedule(this.hedging, delay)
  }

  private hedge(): void {
    const { current } = this
    if (current === undefined || current.at.headAt !== 0 || this.obstacle(true) !== undefined) return
    const candidate = this.choice.untried()
    if (candidate === undefined) return
    this.ex.route?.record?.hedged()
    this.ex.note({ at: this.clock.now(), kind: 'hedge', tri: candidate.at })
    this.first = current
    this.dispatch(candidate)
  }

  private cancelHedge(): void {
    if (this.hedging !== undefined) this.timers.cancel(this.hedging)
  }

  /** Of two tries this one has an answer: the other is ended. */
  private prefer(tri: Try): void {
    this.cancelHedge()
    const { current, first } = this
    if (first === undefined) return
    this.first = undefined
    this.current = tri
    this.host.ex.attempt = tri.at
    const other = tri === first ? current : first
    if (other !== undefined) this.end(other, OVERTAKEN)
  }

  /** Of two tries this one has failed: the other goes on alone. */
  private leaveToOther(tri: Try): void {
    if (tri === this.current) this.current = this.first
    this.first = undefined
    if (this.current !== undefined) this.host.ex.attempt = this.current.at
  }

  private request(endpoint: Endpoint): TransportRequest {
    const { ex } = this.host
    const shared = ex.forwardHeaders as string[]
    // Written anew for each try, behind what all tries share: the try before it has ended, so nobody else reads the list.
    const headers = this.first === undefined ? shared : shared.slice(0, this.shared)
    headers.length = this.shared
    headers.push('sluice-attempt', String(ex.attempts))
    ex.trace?.tried(ex.attempt as Attempt, headers)
    if (ex.deadline !== Number.POSITIVE_INFINITY) {
      headers.push(
        'sluice-timeout-ms',
        String(Math.max(1, Math.floor(ex.deadline - (ex.attempt as Attempt).startedAt))),
      )
    }
    return {
      method: ex.method,
      target: ex.forwardTarget,
      authority: ex.forwardAuthority ?? endpoint.authority,
      headers,
      contentLength: this.host.bodyLength,
    }
  }

  /** The attempt's own timeout; the last permitted try may use all the time left. */
  private limit(tri: Try): void {
    const { plan, host } = this
    if (plan.attemptTimeout === undefined || host.ex.attempts >= plan.maxTries || host.bodyMoving) return
    const due = tri.at.startedAt + plan.attemptTimeout + this.moved()
    tri.limit(Math.max(0, due - this.clock.now()))
  }

  /** Milliseconds of the current try in which the request body moved. */
  private moved(): number {
    return this.host.movedMs() - this.movedAtStart
  }

  onExpired(tri: Try): void {
    if (this.host.bodyMoving) return
    const { at } = tri
    const connected = at.connectedAt !== 0
    const phase = this.phase
    tri.abort()
    this.onFailure(tri, {
      reason: 'attempt_timeout',
      phase,
      connected,
      reused: at.reused,
      bytesSent: connected,
      requestDone: connected,
      responseStarted: false,
    })
  }

  private conclude(tri: Try, head: HeadVerdict): void {
    const now = tri.at.judgedAt(this.clock)
    const ms = now - tri.at.startedAt
    tri.endpoint.learn(head, ms, this.plan.slowAfter, ms - this.moved())
    if (head.outcome === 'ok' || head.outcome === 'timeout') this.latencies.record(ms - this.moved(), now)
    this.verdict(tri.at, head)
    this.host.recorder.attempt(this.ex, tri.at)
  }

  private verdict(at: Attempt, head: HeadVerdict): void {
    at.head = head
    attempted(this.host, this.chain, at)
  }
}
