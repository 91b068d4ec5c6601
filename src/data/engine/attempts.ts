import { Attempt } from '../../core/attempt.ts'
import type { Exchange } from '../../core/exchange.ts'
import { type Failure, failure } from '../../core/failures.ts'
import { type HeadVerdict, type OutcomeClass, outcomeClass } from '../../core/outcome.ts'
import { isReply, type Policy } from '../../core/policy.ts'
import type { TransportFailure, TransportRequest } from '../../core/transport.ts'
import type { Clock } from '../../lib/clock.ts'
import { type FlatHeaders, fieldValue } from '../../lib/headers.ts'
import { retryAfterMs } from '../../lib/retry-after.ts'
import { Timer, type TimerWheel } from '../../lib/timers.ts'
import type { Endpoint } from '../upstreams/endpoint.ts'
import type { Ticket } from '../upstreams/pool.ts'
import type { Upstream } from '../upstreams/upstream.ts'
import type { Chain } from './chain.ts'
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
  /** There is an answer to relay. */
  onAnswer(tri: Try, status: number, headers: FlatHeaders): AnswerSink
  /** No try gave one, and no further one can start. */
  onNoAnswer(failure: Failure): void
  /** A head verdict was given. */
  onVerdict(at: Attempt): void
  /** The upstream's retry budget allows no further try. */
  onBudgetSpent(upstream: string): void
  /** A policy's hook threw. */
  onBug(error: unknown): void
}

/** How soon a client may come again for whom all upstreams were full. */
const COME_AGAIN_MS = 1_000

/** One way on: an endpoint and the attempt that policies have let pass. */
interface Candidate {
  readonly at: Attempt
  readonly upstream: Upstream
  readonly endpoint: Endpoint
}

/**
 * The one loop of attempts: "how often do we call the upstream?" is answered here. Tries one endpoint after another, as the
 * plan says, until there is an answer to relay or nothing is left to try.
 */
export class Attempts implements TryOwner {
  readonly clock: Clock
  readonly timers: TimerWheel
  private readonly host: AttemptsHost
  private readonly plan: AttemptPlan
  private readonly chain: Chain
  private readonly upstreams: readonly Upstream[]
  /** Length of the fields that all tries have in common. */
  private readonly shared: number
  private readonly tried: Endpoint[] = []
  /** Refused before dispatch in this request: not asked again. */
  private readonly full: Endpoint[] = []
  /** Refused the next try, whatever the endpoint: not asked twice for one choice. */
  private closed: Upstream[] = []
  /** Index of the upstream that the latest try went to. */
  private reached = 0
  private current: Try | undefined = undefined
  private movedAtStart = 0
  private backoff: Timer | undefined = undefined
  private refusal: Failure | undefined = undefined
  private stopped = false

  constructor(host: AttemptsHost, plan: AttemptPlan, chain: Chain, upstreams: readonly Upstream[]) {
    this.host = host
    this.clock = host.clock
    this.timers = host.timers
    this.plan = plan
    this.chain = chain
    this.upstreams = upstreams
    this.shared = (host.ex.forwardHeaders as string[]).length
  }

  start(): void {
    this.proceed(failure('no_endpoint', 'connect', 'upstream'))
  }

  /** Ends whatever runs. `why`: the verdict on it when its head had not come. */
  stop(why: HeadVerdict): void {
    this.stopped = true
    if (this.backoff !== undefined) this.timers.cancel(this.backoff)
    this.host.body?.detach()
    const current = this.current
    if (current === undefined) return
    this.current = undefined
    current.abort()
    if (current.at.head === undefined) this.conclude(current, why)
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
    const outcome: OutcomeClass = status >= 500 ? status : 'ok'
    this.conclude(tri, { outcome, reason: undefined, ignored: false })
    if (this.plan.retriesOn(status) && this.mayRepeat(true)) {
      const next = this.choose()
      const wait = next && this.waitAfter(tri, headers, next)
      if (next !== undefined && wait === undefined) this.drop(next)
      else if (next !== undefined && wait !== undefined) {
        this.current = undefined
        const unfinished = this.host.body !== undefined && !this.host.body.delivered
        this.host.body?.detach()
        if (unfinished) tri.abort()
        this.later(next, wait)
        return undefined
      }
    }
    return this.host.onAnswer(tri, status, headers)
  }

  onFailure(tri: Try, facts: TransportFailure): void {
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
      this.tried.pop()
      this.full.push(tri.endpoint)
      if (tri.at.number > 1) this.upstreams[this.reached]?.budget?.give(this.clock.now())
      this.verdict(tri.at, { outcome: 'ok', reason: facts.reason, ignored: true })
      this.proceed({ ...failed, origin: 'sluice' })
      return
    }
    this.conclude(tri, { outcome, reason: facts.reason, ignored: false })
    if (!this.plan.retriesOn(outcome) || !this.mayRepeat(facts.bytesSent)) {
      this.host.onNoAnswer(failed)
      return
    }
    const next = this.choose()
    if (next === undefined) this.host.onNoAnswer(failed)
    else this.later(next, this.backoffMs())
  }

  private proceed(otherwise: Failure): void {
    const next = this.choose()
    if (next === undefined) this.host.onNoAnswer(this.refusal ?? otherwise)
    else this.dispatch(next)
  }

  private mayRepeat(bytesSent: boolean): boolean {
    const { ex, body } = this.host
    if (ex.attempts >= this.plan.maxTries || ex.priorAttempts > 0) return false
    if (bytesSent && !this.plan.repeats(ex.method)) return false
    if (body !== undefined && !body.repeatable) return false
    return this.clock.now() + this.backoffMs() < ex.deadline
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
    if (this.stopped) return
    this.backoff = new Timer(() => this.dispatch(next))
    this.timers.schedule(this.backoff, ms)
  }

  /** It was let pass and does not go. */
  private drop({ at, upstream }: Candidate): void {
    if (at.number > 1) upstream.budget?.give(this.clock.now())
    this.verdict(at, { outcome: 'ok', reason: undefined, ignored: true })
  }

  /**
   * Untried endpoints of the upstream, then of each failover upstream, then tried ones. Of the tries that are left, the last
   * goes to the next failover upstream if there is one.
   */
  private choose(): Candidate | undefined {
    const { ex } = this.host
    if (this.closed.length > 0) this.closed = []
    const last = ex.attempts > 0 && ex.attempts + 1 === this.plan.maxTries
    const first = last && this.reached + 1 < this.upstreams.length ? this.reached + 1 : 0
    const found = this.scan(first, false) ?? (first > 0 ? this.scan(0, false) : undefined) ?? this.scan(0, true)
    // Nothing is usable: what is known to be unhealthy gets the first try, and there are no others.
    return found ?? (ex.attempts === 0 && this.refusal === undefined ? this.desperate() : undefined)
  }

  private desperate(): Candidate | undefined {
    for (const upstream of this.upstreams) {
      const endpoint = upstream.lastResort(this.full)
      if (endpoint === undefined || this.full.includes(endpoint)) continue
      return this.candidate(upstream, endpoint)
    }
    return undefined
  }

  private scan(first: number, again: boolean): Candidate | undefined {
    for (let i = first; i < this.upstreams.length; i++) {
      const upstream = this.upstreams[i] as Upstream
      if (this.closed.includes(upstream) || this.isFull(upstream)) continue
      const endpoint = upstream.pick(this.full.length === 0 ? this.tried : [...this.tried, ...this.full])
      if (endpoint === undefined || this.full.includes(endpoint)) continue
      if (!again && this.tried.includes(endpoint)) continue
      const candidate = this.candidate(upstream, endpoint)
      if (candidate === undefined) continue
      this.reached = i
      return candidate
    }
    return undefined
  }

  private isFull(upstream: Upstream): boolean {
    // The try before this one has ended, or its answer is not wanted: its permit comes back before the next begins.
    const ending = this.host.ex.attempts > 0 && this.upstreams[this.reached] === upstream ? 1 : 0
    if (!upstream.isFull(ending)) return false
    this.closed.push(upstream)
    this.refusal = { ...failure('bulkhead_full', 'limit', 'sluice'), retryAfterMs: COME_AGAIN_MS }
    this.host.ex.route?.record?.refused('upstreamBulkhead', 'bulkhead_full', 'enforce')
    return true
  }

  private candidate(upstream: Upstream, endpoint: Endpoint): Candidate | undefined {
    if (this.stopped) return undefined
    const now = this.clock.now()
    const at = new Attempt(this.host.ex.attempts + 1, upstream.name, now)
    if (at.number > 1 && upstream.budget?.take(now) === false) {
      this.host.onBudgetSpent(upstream.name)
      this.closed.push(upstream)
      return undefined
    }
    if (!this.passes(at)) {
      this.closed.push(upstream)
      if (at.number > 1) upstream.budget?.give(now)
      return undefined
    }
    at.endpoint = endpoint.id
    return { at, endpoint, upstream }
  }

  private passes(at: Attempt): boolean {
    const { chain } = this
    for (const place of chain.attempt) {
      const refusal = this.ask(place, at)
      if (refusal !== undefined) {
        this.refusal = refusal
        this.verdict(at, { outcome: 'ok', reason: undefined, ignored: true })
        return false
      }
      at.passed = place + 1
    }
    at.passed = chain.policies.length
    return true
  }

  private ask(place: number, at: Attempt): Failure | undefined {
    try {
      const verdict = this.chain.policies[place]?.attempt?.(this.host.ex, at)
      if (verdict === undefined) return undefined
      if (isReply(verdict)) throw new Error('an attempt hook can refuse, not reply')
      this.host.ex.route?.record?.refused((this.chain.policies[place] as Policy).name, verdict.reason, 'enforce')
      return { phase: 'limit', origin: 'sluice', ...verdict }
    } catch (error) {
      this.host.onBug(error)
      return failure('internal', 'limit', 'sluice')
    }
  }

  private dispatch(candidate: Candidate): void {
    if (this.stopped) return
    const { ex, body } = this.host
    const { at, endpoint, upstream } = candidate
    ex.attempts++
    if (at.number === 1) upstream.budget?.first(at.startedAt)
    ex.attempt = at
    this.tried.push(endpoint)
    const tri = new Try(this, at, endpoint)
    this.current = tri
    this.movedAtStart = this.host.movedMs()
    const ticket = endpoint.pool.start(this.request(endpoint), tri)
    tri.begun(ticket)
    if (this.current === tri && at.headAt === 0) this.limit(tri)
    if (body !== undefined && this.current !== tri) body.detach()
  }

  private request(endpoint: Endpoint): TransportRequest {
    const { ex } = this.host
    const headers = ex.forwardHeaders as string[]
    // Written anew for each try, behind what all tries share. The try before it has ended, so nobody else reads the list.
    headers.length = this.shared
    headers.push('sluice-attempt', String(ex.attempts))
    if (ex.deadline !== Number.POSITIVE_INFINITY) {
      headers.push('sluice-timeout-ms', String(Math.max(1, Math.floor(ex.deadline - this.clock.now()))))
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
    const due = tri.at.startedAt + plan.attemptTimeout + host.movedMs() - this.movedAtStart
    tri.limit(Math.max(0, due - this.clock.now()))
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
    tri.endpoint.learn(head, this.clock.now() - tri.at.startedAt, this.plan.slowAfter)
    this.verdict(tri.at, head)
  }

  private verdict(at: Attempt, head: HeadVerdict): void {
    at.head = head
    this.host.onVerdict(at)
    for (const place of this.chain.attempted) {
      if (place >= at.passed) break
      try {
        this.chain.policies[place]?.attempted?.(this.host.ex, at)
      } catch (error) {
        this.host.onBug(error)
      }
    }
  }
}
