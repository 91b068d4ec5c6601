import type { Clock } from '../lib/clock.ts'
import type { FlatHeaders } from '../lib/headers.ts'
import type { Attempt } from './attempt.ts'
import type { Downstream } from './downstream.ts'
import { FAILURES, type Failure, type Reason } from './failures.ts'
import { NORMAL } from './importance.ts'
import { type Note, Notes } from './note.ts'
import type { HeadVerdict } from './outcome.ts'
import type { Reading } from './reading.ts'
import type { RouteFacts } from './route-facts.ts'
import type { Trace } from './spans.ts'
import { statePlaces } from './state-slot.ts'
import type { TunnelFacts } from './tunnel.ts'

/** How much of the request body Sluice has. `begun`: a part, as much as it keeps; much more may follow. */
export type Upload = 'whole' | 'begun' | 'unread'

/**
 * `request`: of a client, as long as it is under the route that it matched. `rerouted`: the same one under another route;
 * it is recorded under the first. `side`: made by a feature.
 */
export type ExchangeKind = 'request' | 'rerouted' | 'side'

/** Something that ends with an exchange, at the latest. */
export interface Dependent {
  cancel(): void
}

/** The head that is about to go, or went, to the client. `headers` may be changed by `respond` hooks until it is sent. */
export interface ResponseHead {
  status: number
  headers: string[]
}

/**
 * One request on its way through Sluice, under one route. One class, one fixed shape: every field is set in the constructor, none is
 * attached later (a test holds it), so that the hot path stays monomorphic.
 */
export class Exchange {
  readonly downstream: Downstream
  kind: ExchangeKind
  /** Request ID of the one that a feature made it for. */
  parentId: string | undefined
  /** Requests that were made for it and end with it. */
  dependents: Set<Dependent> | undefined
  /** Clock milliseconds at which the head was complete; of a rerouted one: at which its route began. */
  readonly startedAt: number
  /** UUIDv7 of ours; never from outside. */
  readonly requestId: string
  correlationId: string
  /** As it came; with tracing on, as upstreams get it. If none came, one of ours: log lines carry its trace ID. */
  traceparent: string
  tracestate: string | undefined
  /** A valid `traceparent` came with the request. */
  continued: boolean
  /** undefined: its spans are not recorded, whatever happens. */
  trace: Trace | undefined
  /** The client's address after `trust.proxies`. */
  client: string
  /** The peer is one of `trust.proxies`. */
  trusted: boolean
  route: RouteFacts | undefined
  /** Names of the routes that it went on under, in order; all its exchanges have it in common. undefined: none. */
  rerouted: string[] | undefined
  /** Values of `{name}` segments, in the order of the route's parameters; undefined without any. */
  params: readonly string[] | undefined
  /** Path as matched: normal form, without query. */
  path: string
  /** With the leading `?`, or empty. */
  query: string
  /** Other ways in which servers may read the path, all with the same route and parameters; undefined: none. */
  readings: readonly Reading[] | undefined
  /** What upstreams see in place of the target; rewrites change it. */
  forwardTarget: string
  /** What upstreams see as Host; undefined: as the endpoint has it. */
  forwardAuthority: string | undefined
  /** What may be changed to, of `downstream.upgrade`: what the routes that it left, and the policies of this one, leave of that. */
  offer: string | undefined
  /** The protocol that upstreams are asked to change to, lower-case: of `offer`; undefined: none. */
  upgrade: string | undefined
  /** An upstream has changed to it. */
  tunnel: TunnelFacts | undefined
  /** Head fields for upstreams, made at first use by `services.forwardHeaders`; policies at stage 70 change it. */
  forwardHeaders: string[] | undefined
  /** Places of features, see `core/state-slot.ts`. */
  readonly state: unknown[]
  /** Attempts that a trusted gateway in front of this one has made; above 0 nothing is retried here. */
  priorAttempts: number
  /** Milliseconds that a trusted peer allows from the start; Infinity: no limit came. Only shortens the deadline. */
  offeredMs: number
  /** A trusted peer asks how the answer came about. */
  explain: boolean
  /** Index in `IMPORTANCES`. */
  importance: number
  /** It gets a line in the access log; with a failure it does in any case. */
  logged: boolean
  /** Policies reached so far: their `respond` and `settle` are owed. */
  reached: number
  /** Clock milliseconds; Infinity: none. Moves while the request body moves. */
  deadline: number
  attempts: number
  /** As of the choice of the latest attempt; `whole` also without a body. */
  upload: Upload
  /** The attempt whose answer is relayed, else the latest one. */
  attempt: Attempt | undefined
  /** All attempts, once there is a second one. */
  attemptList: Attempt[] | undefined
  /** Made with the first note. */
  notes: Notes | undefined
  /** Of the latest attempt that was not ignored. */
  verdict: HeadVerdict | undefined
  response: ResponseHead | undefined
  /** The head went out. */
  sent: boolean
  /** Why Sluice answered itself or broke the exchange; undefined: the upstream's answer was relayed whole. */
  failure: Failure | undefined
  /** Reason of the failure in whose place a fallback answered. */
  degraded: Reason | undefined
  /** Clock milliseconds spent waiting in queues. */
  queuedMs: number
  /** Milliseconds in which the request body moved; known at the end. */
  bodyMs: number
  /** Clock milliseconds at which the first byte of the answer went out; 0: none did. */
  firstByteAt: number
  finished: boolean

  constructor(downstream: Downstream, startedAt: number, requestId: string, slots: number) {
    this.downstream = downstream
    this.kind = 'request'
    this.parentId = undefined
    this.dependents = undefined
    this.startedAt = startedAt
    this.requestId = requestId
    this.correlationId = requestId
    this.traceparent = ''
    this.tracestate = undefined
    this.continued = false
    this.trace = undefined
    this.client = downstream.peer.address
    this.trusted = false
    this.route = undefined
    this.rerouted = undefined
    this.params = undefined
    this.path = ''
    this.query = ''
    this.readings = undefined
    this.forwardTarget = downstream.target
    // HTTP/1.0 without Host: the endpoint's own.
    this.forwardAuthority = downstream.authority === '' ? undefined : downstream.authority
    this.offer = downstream.upgrade
    this.upgrade = undefined
    this.tunnel = undefined
    this.forwardHeaders = undefined
    this.state = statePlaces(slots)
    this.priorAttempts = 0
    this.offeredMs = Number.POSITIVE_INFINITY
    this.explain = false
    this.importance = NORMAL
    this.logged = true
    this.reached = 0
    this.deadline = Number.POSITIVE_INFINITY
    this.attempts = 0
    this.upload = downstream.contentLength === 0 ? 'whole' : 'unread'
    this.attempt = undefined
    this.attemptList = undefined
    this.notes = undefined
    this.verdict = undefined
    this.response = undefined
    this.sent = false
    this.failure = undefined
    this.degraded = undefined
    this.queuedMs = 0
    this.bodyMs = 0
    this.firstByteAt = 0
    this.finished = false
  }

  /** An attempt begins. */
  begin(at: Attempt): void {
    if (this.attemptList !== undefined) this.attemptList.push(at)
    else if (this.attempt !== undefined) this.attemptList = [this.attempt, at]
    this.attempt = at
  }

  /** The same request under another route, whose policies know nothing of what those of this one keep in it. */
  under(route: RouteFacts, now: number, slots: number): Exchange {
    const next = new Exchange(this.downstream, now, this.requestId, slots)
    next.kind = 'rerouted'
    next.route = route
    this.rerouted ??= []
    this.rerouted.push(route.name)
    next.rerouted = this.rerouted
    next.isOf(this)
    next.client = this.client
    next.trusted = this.trusted
    next.path = this.path
    next.query = this.query
    next.readings = this.readings
    next.offer = this.offer
    // They have one story.
    this.attemptList ??= [...this.allAttempts]
    this.notes ??= new Notes(undefined)
    next.attemptList = this.attemptList
    next.notes = this.notes
    next.trace = this.trace
    return next
  }

  /** It asks for what `ex` asks for, as that is now. */
  asks(ex: Exchange): void {
    this.params = ex.params
    this.path = ex.path
    this.query = ex.query
    this.readings = ex.readings
    this.forwardTarget = ex.forwardTarget
    this.forwardAuthority = ex.forwardAuthority
  }

  /** A feature makes it for `ex`. */
  isFor(ex: Exchange): void {
    this.isOf(ex)
    this.parentId = ex.requestId
    this.client = ex.client
    this.importance = ex.importance
    this.logged = ex.logged
  }

  /** It belongs to the same correlation and trace as `ex`. */
  isOf(ex: Exchange): void {
    this.correlationId = ex.correlationId
    this.traceparent = ex.traceparent
    this.tracestate = ex.tracestate
    this.continued = ex.continued
  }

  /** The route that took its place has ended: what the client got. */
  endsAs(next: Exchange): void {
    this.response = next.response
    this.sent = next.sent
    this.failure = next.failure ?? this.failure
    this.degraded = next.degraded
    this.bodyMs = next.bodyMs
    this.firstByteAt = next.firstByteAt
    this.tunnel = next.tunnel
  }

  /** Attempts and waits under another route were its own, too. */
  counts({ attempts, queuedMs }: Exchange): void {
    this.attempts += attempts
    this.queuedMs += queuedMs
  }

  note(note: Note): void {
    if (this.notes === undefined) this.notes = new Notes(note)
    else this.notes.add(note)
  }

  /**
   * A policy refused it or, in mode shadow, would have. `upstream`: only the attempts there. A refusal of the whole request
   * is recorded as its failure, too: it is noted for spans only.
   */
  refused(
    clock: Pick<Clock, 'now'>,
    policy: string,
    reason: Reason,
    mode: 'enforce' | 'shadow',
    upstream?: string,
  ): void {
    this.route?.record?.refused(policy, reason, mode)
    if (upstream !== undefined || this.trace !== undefined)
      this.note({ at: clock.now(), kind: 'refused', policy, reason, mode, upstream })
  }

  /** In the order in which they began. */
  get allAttempts(): readonly Attempt[] {
    return this.attemptList ?? (this.attempt === undefined ? [] : [this.attempt])
  }

  /** The route that features count it for; undefined: a request of our own, or no route. */
  get countedAs(): string | undefined {
    return this.kind === 'side' ? undefined : this.route?.name
  }

  /** What the client got, or would have got. */
  get finalStatus(): number {
    if (this.failure !== undefined && !this.sent) return FAILURES[this.failure.reason].status
    return this.response?.status ?? FAILURES.internal.status
  }

  get method(): string {
    return this.downstream.method
  }

  get headers(): FlatHeaders {
    return this.downstream.headers
  }
}
