import type { Duplex } from 'node:stream'
import type { Exchange } from '../../core/exchange.ts'
import { FAILURES, type Failure, failure, type Reason } from '../../core/failures.ts'
import { ABANDONED, IGNORED, UNSENT } from '../../core/lessons.ts'
import {
  answered,
  ended,
  failureClass,
  type HeadVerdict,
  lessonOf,
  mayBeProcessed,
  provoked,
  untaught,
} from '../../core/outcome.ts'
import type { SecondAttempt } from '../../core/plan.ts'
import type { TransportFailure } from '../../core/transport.ts'
import { dropStream } from '../../lib/drop-stream.ts'
import type { EventClock } from '../../lib/event-clock.ts'
import type { FlatHeaders } from '../../lib/headers.ts'
import type { Latencies } from '../../lib/latencies.ts'
import { Timer, type TimerWheel } from '../../lib/timers.ts'
import type { Ticket } from '../upstreams/pool.ts'
import { cutShort, expiredFacts, faultAtDeadline, phaseOf, setLimit } from './attempt-time.ts'
import type { AttemptsHost } from './attempts-host.ts'
import type { Chain } from './chain.ts'
import { type Candidate, Choice } from './choice.ts'
import type { Clocks } from './clocks.ts'
import { type AnswerSink, Dispatch, type DispatchOwner } from './dispatch.ts'
import { attemptFailure, faultOf, overtaken } from './ends.ts'
import { attemptRequest, renewTimeLeft } from './forward.ts'
import { Further } from './further.ts'
import { upgradeProblem } from './handshake.ts'
import { attempted, unusable } from './hooks.ts'
import type { AttemptPlan } from './plan.ts'
import type { Share } from './split.ts'

const NO_ENDPOINT: Failure = failure('no_endpoint', 'connect', 'upstream')
const DEADLINES: ReadonlySet<Reason> = new Set(['deadline_exceeded', 'total_exceeded'])

/**
 * The one loop of attempts: "how often do we call the upstream?" is answered here. Asks one endpoint after another, as
 * the plan says, until there is an answer to relay or no endpoint is left to ask.
 */
export class AttemptLoop implements DispatchOwner {
  readonly ex: Exchange
  readonly clock: EventClock
  readonly timers: TimerWheel
  private readonly host: AttemptsHost
  private readonly plan: AttemptPlan
  private readonly chain: Chain
  private readonly choice: Choice
  private readonly clocks: Clocks
  private readonly latencies: Latencies
  /** Length of the fields that all attempts share. */
  private readonly shared: number
  private current: Dispatch | undefined = undefined
  /** The first attempt, while a second one runs beside it. */
  private first: Dispatch | undefined = undefined
  private second: Timer | undefined = undefined
  private backoff: Timer | undefined = undefined
  /** Waits for its backoff to end. */
  private pending: Candidate | undefined = undefined
  /** Nothing follows: the exchange has its answer, or a hook threw and that is answered. */
  private stopped = false
  private judged: Further | undefined = undefined

  constructor(host: AttemptsHost, clocks: Clocks, plan: AttemptPlan, chain: Chain, share: Share, latencies: Latencies) {
    this.host = host
    this.ex = host.ex
    this.clock = host.clock
    this.timers = host.timers
    this.plan = plan
    this.chain = chain
    this.choice = new Choice(host, chain, share, plan)
    this.clocks = clocks
    this.latencies = latencies
    this.shared = (host.ex.forwardHeaders as string[]).length
  }

  get clientStalls(): boolean {
    return this.host.clientStalls
  }

  get client(): string {
    return this.host.ex.client
  }

  get uploads(): boolean {
    return this.plan.buffers.request && this.host.body?.received === false
  }

  start(): void {
    this.proceed(NO_ENDPOINT)
  }

  /** Most requests need one attempt alone. */
  private get further(): Further {
    this.judged ??= new Further(this.host, this.plan, this.latencies)
    return this.judged
  }

  /** Ends whatever runs; the failure says what that teaches. */
  stop(why: Failure | undefined): void {
    this.stopped = true
    if (this.backoff !== undefined) this.timers.cancel(this.backoff)
    this.cancelSecond()
    this.host.body?.detach()
    const { current, first, pending } = this
    this.pending = undefined
    if (pending !== undefined) this.choice.drop(pending)
    this.current = undefined
    this.first = undefined
    if (first?.ended === false) this.end(first, this.verdictOn(first, why))
    if (current?.ended === false) this.end(current, this.verdictOn(current, why))
  }

  private verdictOn(dispatch: Dispatch, why: Failure | undefined): HeadVerdict {
    const { reason, teaches } = why ?? { reason: 'internal' }
    return ended(reason, this.isCutShort(dispatch, reason) ? ABANDONED : teaches)
  }

  private isCutShort(dispatch: Dispatch, reason: Reason): boolean {
    return DEADLINES.has(reason) && cutShort(dispatch, this.clocks, this.plan, this.clock.now())
  }

  /** Whose fault it is that the deadline passes now. */
  get overdue(): Failure['origin'] {
    return faultAtDeadline(this.first ?? this.current, this.clocks, this.plan, this.clock.now())
  }

  private end(dispatch: Dispatch, why: HeadVerdict): void {
    const queued = dispatch.waiting
    const { head } = dispatch.at
    dispatch.abort(
      why.lesson.breaker && head !== undefined && !dispatch.switched ? 'broken_by_upstream' : 'broken_by_us',
    )
    if (head !== undefined) return
    if (queued) this.unsent(dispatch, why.reason ?? 'pool_full')
    else this.conclude(dispatch, why)
  }

  /** It never left the queue of its pool: no attempt, and nothing learns from it. */
  private unsent(dispatch: Dispatch, reason: Reason): void {
    this.ex.attempts--
    this.ex.queuedMs += dispatch.at.endedAt - dispatch.at.startedAt
    this.choice.unsent(dispatch)
    attempted(this.host, this.chain, dispatch.at, ended(reason, UNSENT))
  }

  /** The request body stopped moving: the attempt's clock goes on. */
  bodyStopped(): void {
    if (this.current !== undefined) this.limit(this.current)
  }

  /** Where the current attempt is, for a deadline's failure. */
  get phase(): Failure['phase'] {
    return phaseOf(this.current, this.clocks)
  }

  onDequeued(dispatch: Dispatch, ticket: Ticket): void {
    this.ex.queuedMs += dispatch.at.waitedMs
    renewTimeLeft(this.ex, dispatch.at, ticket.request)
    this.limit(dispatch)
  }

  /** What the current attempt holds of its endpoint. */
  get held(): Ticket | undefined {
    return this.current?.held
  }

  onInformational(status: number, headers: FlatHeaders): void {
    this.host.onInformational(status, headers)
  }

  onHead(dispatch: Dispatch, status: number, headers: FlatHeaders): AnswerSink | undefined {
    const head = status >= 500 && this.clientStalls ? provoked(status) : answered(status)
    this.conclude(dispatch, head)
    if (this.first !== undefined && this.plan.again.follows(status)) {
      this.leaveToOther(dispatch)
      return undefined
    }
    this.prefer(dispatch)
    if (this.stopped) return undefined
    // The client would keep any other endpoint waiting as well.
    if (!head.ignored && this.plan.again.follows(status) && this.further.allowed(true)) {
      const next = this.choice.next()
      const wait = next && this.further.waitAfter(dispatch.endpoint, headers, next)
      if (next !== undefined && wait === undefined) this.choice.drop(next)
      else if (next !== undefined && wait !== undefined) {
        this.current = undefined
        const unfinished = this.host.body !== undefined && !this.host.body.delivered
        this.host.body?.detach()
        if (unfinished) dispatch.abort()
        this.later(next, wait)
        return undefined
      }
    }
    const useless = status >= 500 && (this.host.standsIn || unusable(this.host, this.chain, status))
    if (this.stopped) return undefined
    if (useless) {
      this.current = undefined
      this.host.fail(failure('upstream_error', 'headers', head.ignored ? 'client' : 'upstream'))
      return undefined
    }
    return this.host.onAnswer(dispatch, status, headers)
  }

  upgradeProblem(headers: FlatHeaders): string | undefined {
    return upgradeProblem(this.ex, headers)
  }

  onUpgraded(dispatch: Dispatch, headers: FlatHeaders, upstream: Duplex): void {
    this.conclude(dispatch, answered(101))
    this.prefer(dispatch)
    if (this.stopped) dropStream(upstream)
    else this.host.onUpgraded(dispatch, headers, upstream)
  }

  onFailure(dispatch: Dispatch, facts: TransportFailure): void {
    const { fault: usual, teaches } = FAILURES[facts.reason]
    const fault = faultOf(facts, this.clientStalls)
    const outcome = failureClass(facts)
    if (teaches === UNSENT) this.unsent(dispatch, facts.reason)
    else this.conclude(dispatch, ended(facts.reason, fault === usual ? lessonOf(facts) : IGNORED, outcome))
    if (this.stopped) return
    if (this.first !== undefined) {
      this.leaveToOther(dispatch)
      return
    }
    this.cancelSecond()
    this.current = undefined
    this.host.body?.detach()
    const failed = attemptFailure(facts, fault)
    if (teaches === UNSENT) {
      this.proceed(failed)
      return
    }
    // Without a class, or caused by the client, it was not the endpoint's fault, and would end the same way at any other.
    if (
      outcome === undefined ||
      fault === 'client' ||
      !this.further.allowed(mayBeProcessed(facts), this.plan.again.follows(outcome))
    ) {
      this.fail(failed)
      return
    }
    const next = this.choice.next()
    if (next === undefined) this.fail(failed)
    else this.later(next, this.further.backoffMs())
  }

  /** There is no answer; a hook that threw has had its own. */
  private fail(why: Failure): void {
    if (!this.stopped) this.host.fail(why)
  }

  private proceed(otherwise: Failure): void {
    const next = this.choice.next()
    if (next !== undefined) this.dispatch(next)
    else if (this.choice.bodyFirst && this.host.body !== undefined && !this.stopped)
      this.host.body.gatherAll(() => this.proceed(otherwise))
    else this.fail(this.choice.refusal ?? otherwise)
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

  private dispatch(candidate: Candidate): void {
    const { ex, body } = this.host
    const { at, endpoint } = candidate
    if (this.stopped) {
      this.choice.drop(candidate)
      return
    }
    ex.attempts++
    ex.begin(at)
    // It was chosen before its backoff, and hooks that took long are not the endpoint's fault.
    at.startedAt = this.clock.renew()
    this.choice.go(candidate)
    const dispatch = new Dispatch(this, candidate, body, this.clocks.movedMs())
    this.current = dispatch
    const ticket = endpoint.pool.start(attemptRequest(this.host, endpoint, this.fields()), dispatch)
    dispatch.begun(ticket)
    if (this.current === dispatch && at.headAt === 0) this.limit(dispatch)
    if (body !== undefined && this.current !== dispatch) body.detach()
    if (this.plan.beside !== undefined && at.number === 1 && this.current === dispatch)
      this.scheduleSecond(this.plan.beside)
  }

  private scheduleSecond(beside: SecondAttempt): void {
    const { host, plan } = this
    // A second handshake would begin a session at another endpoint, whatever its method is.
    if (host.body !== undefined || host.ex.upgrade !== undefined || !plan.again.repeats(host.ex.method)) return
    const delay = beside.delayMs(this.latencies, this.clock.now())
    if (delay === undefined) return
    this.second = new Timer(() => this.beginSecond(beside))
    this.timers.schedule(this.second, delay)
  }

  private beginSecond(beside: SecondAttempt): void {
    const { current } = this
    if (current === undefined || current.at.headAt !== 0 || this.further.obstacle(true) !== undefined) return
    const candidate = this.choice.unused()
    if (candidate === undefined) return
    candidate.at.beside = true
    beside.onBegun(this.ex, candidate.at)
    this.first = current
    this.dispatch(candidate)
  }

  private cancelSecond(): void {
    if (this.second !== undefined) this.timers.cancel(this.second)
  }

  /** Of two attempts this one has an answer: the other is ended. */
  private prefer(dispatch: Dispatch): void {
    this.cancelSecond()
    const { current, first } = this
    if (first === undefined) return
    this.first = undefined
    this.current = dispatch
    this.host.ex.attempt = dispatch.at
    const other = dispatch === first ? current : first
    if (other !== undefined) this.end(other, overtaken(other.at, dispatch.at))
  }

  /** Of two attempts this one has failed: the other goes on alone. */
  private leaveToOther(dispatch: Dispatch): void {
    if (dispatch === this.current) this.current = this.first
    this.first = undefined
    if (this.current !== undefined) this.host.ex.attempt = this.current.at
  }

  /**
   * Written anew for each attempt, after the fields that all share: the attempt before it has ended, so that the list has
   * no other reader.
   */
  private fields(): string[] {
    const shared = this.ex.forwardHeaders as string[]
    const fields = this.first === undefined ? shared : shared.slice(0, this.shared)
    // Set, even to what it is, it costs a call of the runtime.
    if (fields.length !== this.shared) fields.length = this.shared
    return fields
  }

  private limit(dispatch: Dispatch): void {
    if (this.plan.attemptTimeout === undefined) return
    setLimit(dispatch, this.clocks, this.plan, this.ex.attempts, this.clock.now())
  }

  onExpired(dispatch: Dispatch): void {
    if (this.clocks.bodyMoving) return
    const facts = expiredFacts(dispatch, this.phase)
    dispatch.abort()
    this.onFailure(dispatch, facts)
  }

  private conclude(dispatch: Dispatch, verdict: HeadVerdict): void {
    const head = this.plan.teaches ? verdict : untaught(verdict)
    const now = dispatch.at.judgedAt(this.clock)
    const ms = dispatch.ranMs(this.clocks, now)
    dispatch.endpoint.learn(head, dispatch.at, ms, now)
    const { latency } = head.lesson
    if (latency === 'exact') this.latencies.record(ms, now)
    else if (latency === 'at_least') this.latencies.atLeast(ms, now)
    attempted(this.host, this.chain, dispatch.at, head)
    if (this.ex.attemptList !== undefined) this.plan.again.onVerdict(this.ex, dispatch.at)
    if (!head.ignored) this.ex.verdict = head
    this.host.engine.recorder.attempt(dispatch.at)
  }
}
